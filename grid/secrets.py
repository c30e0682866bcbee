"""This file is where what a spec keeps secret is taken out of it, and put back where it is needed.

A secret is a top-level property of the spec's schema that is marked `"writeOnly": true`, a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grid.items import Json

#: Secrets by name.
Secrets = Mapping[str, str]
NONE: Secrets = {}


def names(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties that are secrets, in the schema's order."""
    found: Iterable[tuple[str, Any]] = schema.get("properties", {}).items()
    return tuple(name for name, one in found if isinstance(one, dict) and one.get("writeOnly"))


def split(spec: Json, secret: Sequence[str]) -> tuple[Json, dict[str, str]]:
    """The public spec, and what was secret in it, by name in the schema's order."""
    public = {name: value for name, value in spec.items() if name not in secret}
    return public, {name: spec[name] for name in secret if name in spec}


def misplaced(schema: Json) -> bool:
    """Whether a schema marks anything as secret that is no text at its top level."""
    rest = schema
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        own = schema["properties"]
        if any(own[name].get("type") != "string" for name in names(schema)):
            return True
        public = {name: one for name, one in own.items() if name not in names(schema)}
        rest = {**schema, "properties": public}
    return _marked(rest)


def whole(spec: Json, secrets: Secrets) -> Json:
    """The spec as it was posted."""
    return {**spec, **secrets} if secrets else spec


def with_literals(params: Json, secrets: Secrets) -> Json:
    """What a program gets: the secrets are the last of its literals, in the schema's order."""
    if not secrets:
        return params
    return {**params, "literals": [*params.get("literals", ()), *secrets.values()]}


def _marked(value: Json) -> bool:
    if isinstance(value, dict):
        return bool(value.get("writeOnly")) or any(map(_marked, value.values()))
    return isinstance(value, list) and any(map(_marked, value))
