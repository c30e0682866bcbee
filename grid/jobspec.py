"""This file is where a spec is checked against its JSON Schema and the data set's columns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from msgspec import Struct

from grid import canonical, secrets
from grid.codegen.checker import check as check_program
from grid.codegen.errors import ProgramRefused, SpecError
from grid.items import Column, Json
from grid.plugins.contract import JobType, Points
from grid.plugins.points import POINTS_MAX
from grid.secrets import NONE, Secrets

#: A spec is a page of text; what is larger belongs into a data set.
SPEC_BYTES_MAX = 64_000
#: No spec needs deeper nesting, and readers of it should need no more than a small stack.
SPEC_DEPTH_MAX = 20
#: Complaints about one spec; more help nobody.
ERRORS_MAX = 20


#: What stands for itself in a pattern: an escape or a class of characters; or a bare `$`.
_DOLLAR = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\$)", re.DOTALL)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    """`$` is the end, as in JSON Schema (ECMA-262); Python's is also before a last line feed."""
    return re.compile(_DOLLAR.sub(lambda found: r"\Z" if found[1] else found[0], pattern))


def _matches(
    validator: Any, pattern: str, instance: Json, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _pattern(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


#: JSON Schema 2020-12, with patterns as it means them.
VALIDATOR = validators.extend(Draft202012Validator, {"pattern": _matches})


class SpecRefused(Exception):
    """A spec that its job type does not take; `errors` has at least one, the best match first."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(str(error) for error in errors))


class CheckedSpec(Struct, frozen=True, kw_only=True):
    """A spec that can be computed, with everything that follows from it and the columns."""

    #: As everybody may read it.
    spec: Json
    #: What was secret in it.
    secrets: Secrets = NONE
    #: Columns that the program reads, in the order it gets them.
    reads: tuple[Column, ...]
    #: The program's text and its data.
    program: str
    params: Json
    #: Columns of the assembled output.
    output_columns: tuple[Column, ...]
    #: What the job counts through; None for its data set's chunks.
    points: Points | None = None


def check(
    spec: Json,
    schema: Mapping[str, Any],
    job_type: JobType,
    columns: Sequence[Column],
    rows: Sequence[int] = (),
) -> CheckedSpec:
    """Everything a job needs of its spec; `rows` are those of each chunk of its data set, if any.

    Raises SpecRefused for a fault of the spec, and ProgramRefused for one of the job type: a
    program that the static checker does not pass, or parameters that JSON cannot hold exactly.
    """
    errors = list(faults(spec, schema))
    if errors:
        raise SpecRefused(errors)
    spec, hidden = secrets.split(spec, secrets.names(schema))
    try:
        names = job_type.reads(spec, columns)
        points = job_type.points(spec, columns, rows)
        output_columns = job_type.output_columns(spec, columns)
        program = job_type.program(spec, columns)
        params = job_type.params(spec, columns)
    except SpecError as error:
        raise SpecRefused([error]) from error
    check_program(program)
    _check_points(points, job_type)
    by_name = {column.name: column for column in columns}
    if job_type.over_dataset != bool(names):
        raise ProgramRefused(f"a job type reads columns if its jobs are over a data set: {names}")
    if len(set(names)) < len(names) or not set(names) <= set(by_name):
        raise ProgramRefused(f"a program reads columns of the data set, each once, not {names}")
    try:
        canonical.loads(canonical.dumps(params))
    except ValueError as error:
        raise ProgramRefused(f"parameters that are no exact JSON: {error}") from error
    return CheckedSpec(
        spec=spec,
        secrets=hidden,
        reads=tuple(by_name[name] for name in names),
        program=program,
        params=params,
        output_columns=output_columns,
        points=points,
    )


def _check_points(points: Points | None, job_type: JobType) -> None:
    if points is None:
        if not job_type.over_dataset:
            raise ProgramRefused("a job type without a data set counts points")
        return
    if not 0 <= points.count <= POINTS_MAX or points.per_workunit_max < 1:
        raise ProgramRefused(f"a job counts 0 to {POINTS_MAX} points, not {points}")


def faults(spec: Json, schema: Mapping[str, Any]) -> Iterator[SpecError]:
    """What the schema and the limits say against a spec: the best match first, at most 20."""
    if _deeper(spec, SPEC_DEPTH_MAX):
        yield SpecError("", f"a spec is nested {SPEC_DEPTH_MAX} deep at most")
        return
    inexact = list(_inexact(spec, ""))
    if inexact:
        yield from inexact[:ERRORS_MAX]
        return
    if len(canonical.dumps(spec)) > SPEC_BYTES_MAX:
        yield SpecError("", f"a spec has {SPEC_BYTES_MAX} bytes at most")
        return
    if not isinstance(spec, dict):
        yield SpecError("", "a spec is a JSON object")
        return
    quoting = not spec.keys() & set(secrets.names(schema))
    found = [
        one for error in VALIDATOR(schema).iter_errors(spec) for one in _explained(error, quoting)
    ]
    found.sort(key=lambda error: error.pointer.count("/"), reverse=True)
    yield from found[:ERRORS_MAX]


def output_fault(output: Json, schema: Mapping[str, Any]) -> str | None:
    """Why a work unit's output is not of the job type's output schema; None when it is."""
    error = next(iter(VALIDATOR(schema).iter_errors(output)), None)
    return None if error is None else f"{_pointer(error)}: {error.message[:200]}"


def _explained(error: ValidationError, quoting: bool) -> Iterator[SpecError]:
    """One SpecError for each field that is at fault, in words for its requester.

    Unless `quoting`, without the values that it may quote.
    """
    pointer = _pointer(error)
    rule, wanted = str(error.validator), error.validator_value
    instance: Any = error.instance
    if rule == "additionalProperties" and isinstance(instance, dict):
        for key in sorted(set(instance) - set(error.schema.get("properties", {}))):
            yield SpecError(f"{pointer}/{_escaped(key)}", "unknown key")
    elif rule == "required" and isinstance(instance, dict):
        for key in wanted:
            if key not in instance:
                yield SpecError(f"{pointer}/{_escaped(key)}", "this key is needed")
    elif rule in ("oneOf", "not") and (keys := _keys(wanted)):
        given = [key for key in keys if isinstance(instance, dict) and key in instance]
        if len(given) > 1:
            yield SpecError(f"{pointer}/{given[-1]}", f"only one of {', '.join(keys)} may be given")
        else:
            yield SpecError(f"{pointer}/{keys[0]}", f"one of {', '.join(keys)} is needed")
    elif rule == "enum":
        yield SpecError(pointer, f"one of {' '.join(map(str, wanted))} is needed")
    elif rule == "type":
        kinds = wanted if isinstance(wanted, list) else [wanted]
        yield SpecError(pointer, f"a value of type {' or '.join(kinds)} is needed")
    else:
        said = error.message[:300] if quoting else f"not as {rule} of the schema asks"
        yield SpecError(pointer, said)


def _keys(rule: Any) -> list[str]:
    """The keys that a `oneOf` of `required`s, or a `not` of one, is about."""
    branches = rule if isinstance(rule, list) else [rule]
    if any(set(branch) != {"required"} for branch in branches):
        return []
    return [key for branch in branches for key in branch["required"]]


def _pointer(error: ValidationError) -> str:
    return "".join(f"/{_escaped(str(part))}" for part in error.absolute_path)


def _escaped(key: str) -> str:
    """RFC 6901, section 3."""
    return key.replace("~", "~0").replace("/", "~1")


def _inexact(value: Json, pointer: str) -> Iterator[SpecError]:
    """Values that readers of JSON disagree on (RFC 8259, sections 6 and 8.2)."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _inexact(key, f"{pointer}/{_escaped(key)}")
            yield from _inexact(item, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _inexact(item, f"{pointer}/{number}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield SpecError(pointer, "a finite number is needed")
    elif isinstance(value, int) and abs(value) > canonical.SAFE_INTEGER_MAX:
        yield SpecError(pointer, "a whole number beyond 2^53 - 1 must stand in a SQL condition")
    elif isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        yield SpecError(pointer, "the text holds half of a surrogate pair")


def _deeper(value: Json, depth: int) -> bool:
    """Whether the value nests deeper than `depth`; looks no further."""
    if not isinstance(value, dict | list):
        return False
    if depth == 0:
        return True
    return any(
        _deeper(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value)
    )
