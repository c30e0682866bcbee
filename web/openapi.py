"""This file is where the API describes itself, as OpenAPI 3.1."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.routes import BaseRoute, HTTPRoute

from grid import __version__
from grid.items import Json
from web.problems import MEDIA_TYPE, Detail
from web.public_view import API, LOG

#: Litestar's "/jobs/{id:str}" is OpenAPI's "/jobs/{id}".
_TYPED = re.compile(r"\{(\w+):\w+\}")
#: Where the routes are that are no pages.
DESCRIBED = (API, f"{LOG}/", "/healthz", "/readyz")
#: Every route may refuse like this.
ALWAYS = (405,)
#: What any change may be answered: too slow, too often, no room.
CHANGING = (408, 429, 507)


class ProblemBody(msgspec.Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Detail] = []


def document(routes: Sequence[BaseRoute]) -> Json:
    """The whole document."""
    described = [one for one in handlers(routes) if one[1].startswith(DESCRIBED)]
    bodies = {h.opt["body"] for _, _, h in described if isinstance(h.opt["body"], type)}
    kinds = [ProblemBody, *sorted(bodies, key=lambda kind: kind.__name__)]
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Json]] = {}
    for method, path, handler in described:
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, handler)
    for path, methods in paths.items():
        told: dict[str, Json] = {"204": {"description": "`Allow`, and CORS where it is open."}}
        named = _named(path)
        methods["options"] = {
            "summary": "Says which methods there are.",
            "responses": {**told, **({"404": _problem(404)} if named else {})},
        }
        if named:
            methods["parameters"] = named
    return {
        "openapi": "3.1.0",
        "info": {"title": "Grid", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def handlers(routes: Iterable[BaseRoute]) -> list[tuple[str, str, Any]]:
    """Method, path and handler of everything that is described, in order of paths."""
    found = []
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    if "answer" in handler.opt:
                        path = _TYPED.sub(r"{\1}", route.path)
                        found.append((str(method), path, handler))
    return sorted(found, key=lambda one: (one[1], one[0]))


def _operation(method: str, path: str, handler: Any) -> dict[str, Json]:
    opt = handler.opt
    function = getattr(handler.fn, "func", handler.fn)  # a sync handler comes wrapped
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    problems = {*opt["problems"], *ALWAYS, *(() if method == "GET" else CHANGING)}
    problems |= {404} if "{" in path else set()
    operation: dict[str, Json] = {
        "operationId": function.__name__,
        "summary": summary.replace("\n", " "),
        "parameters": [
            *({"name": name, "in": "query", "description": said, "schema": {"type": "string"}}
              for name, said in opt["query"].items()),
        ],
        "responses": {
            str(opt["code"]): {
                "description": HTTPStatus(opt["code"]).phrase,
                "content": {opt["answer"]: {}},
            },
            **{str(code): _problem(code) for code in sorted(problems)},
        },
    }  # fmt: skip
    if rest:
        operation["description"] = rest
    if 401 in problems:
        operation["security"] = [{"token": []}] if opt["token"] else [{"token": []}, {}]
    if isinstance(opt["body"], str):
        operation["requestBody"] = {"required": True, "content": {opt["body"]: {}}}
    elif opt["body"] is not None:
        schema = {"$ref": f"#/components/schemas/{opt['body'].__name__}"}
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _named(path: str) -> list[Json]:
    """The parameters in a path."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _problem(code: int) -> Json:
    return {
        "description": HTTPStatus(code).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
