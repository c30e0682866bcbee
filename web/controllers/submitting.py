"""This file is where people put a job together on a page, with scripts or without."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from msgspec import UNSET, Meta, Struct

from grid.db import listings, queries
from grid.identifiers import Kind
from grid.items import DataSet, Json, Mode, Policy
from web import columns, estimate, forms, looks, previewing, public_view, render, requests
from web.addresses import server_origin
from web.bodies import named
from web.callers import Caller, require
from web.controllers.datasets import PREVIEW_ROWS, first_rows
from web.controllers.job_types import all_types, whole
from web.messages import JobBody
from web.problems import AnyRequest, Detail, Problem, bad_field, sent_on
from web.public_view import View
from web.server import Server
from web.submission import prepare, record

#: Data sets that the page offers.
DATASETS_LISTED = 200
#: Rows that the page shows of a data set.
ROWS_SHOWN = 8
Field = Annotated[str, Meta(max_length=2_000)]


class JobForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job as the page's form has it: everything is text."""

    type: Field
    dataset: Field = ""
    spec: Annotated[str, Meta(max_length=100_000)] = ""
    name: Field = ""
    description: Field = ""
    mode: Literal["", "economy", "standard", "strict", "fixed", "trusted"] = ""
    target_error: Field = ""
    min_quorum: Field = ""
    priority: Field = ""
    topics: Field = ""
    public: Literal["", "yes", "no"] = ""
    do: Literal["preview", "submit"] = "preview"


@get("/jobs/new", sync_to_thread=True)
def show_new_job(request: AnyRequest) -> Response[str]:
    """The page on which a job is put together: its type, data, spec, and how sure to be."""
    server, caller = forms.signed_in(request, "requester", "admin")
    query = request.query_params
    if "clone" in query:
        return _page(request, server, caller, _cloned(server, caller, query["clone"]))
    if "type" not in query:
        facts = {"here": "jobs", "types": _types(server), "dataset": query.get("dataset", "")}
        return render.page("new.html", facts)
    job_type = whole(server, query["type"])
    form = JobForm(
        type=query["type"], dataset=query.get("dataset", ""), spec=_example(request, job_type)
    )
    return _page(request, server, caller, form)


@post("/jobs/new", status_code=200)
async def make_new_job(request: AnyRequest) -> Response[Any]:
    """Shows what the form would become, or submits it."""
    server, caller, form = await forms.read(request, JobForm)
    account_id = require(caller, "requester", "admin")
    if form.do == "submit":
        try:
            new = await asyncio.to_thread(prepare, server, caller, account_id, _body(form))
            job_id = await record(server, caller, new)
        except Problem as problem:
            return await asyncio.to_thread(_page, request, server, caller, form, problem)
        return sent_on(f"/jobs/{server.names.of(Kind.JOB, job_id)}")
    return await asyncio.to_thread(_page, request, server, caller, form)


def _types(server: Server) -> list[View]:
    return [whole(server, str(one["name"])) for one in all_types(server) if one["enabled"]]


def _example(request: AnyRequest, job_type: View) -> str:
    """The example that a link names, or nothing yet."""
    examples = job_type["examples"]
    number = request.query_params.get("example", "")
    if not number.isdecimal() or int(number[:6]) >= len(examples):
        return ""
    return json.dumps(examples[int(number[:6])]["spec"], ensure_ascii=False, indent=2)


def _cloned(server: Server, caller: Caller, public_id: str) -> JobForm:
    """The form that would submit the same job again."""
    job = looks.find_job(server, caller, public_id).job
    described = job.metadata.get("description")
    ppb = job.policy.target_error_ppb
    return JobForm(
        type=job.job_type,
        dataset="" if job.dataset_id is None else server.names.of(Kind.DATASET, job.dataset_id),
        spec=json.dumps(job.spec, ensure_ascii=False, indent=2),
        name=job.name,
        description=described if isinstance(described, str) else "",
        mode=str(job.policy.mode),  # type: ignore[arg-type]
        target_error="" if ppb is None else f"{ppb / 1e9:g}",
        min_quorum=str(job.policy.min_quorum) if job.policy.mode is Mode.FIXED else "",
        topics=" ".join(job.topics),
        public="yes" if job.public else "no",
    )


def _body(form: JobForm) -> JobBody:
    """What the form posts; raises Problem naming the field."""
    policy = {
        name: getattr(form, name)
        for name in ("mode", "target_error", "min_quorum", "priority")
        if getattr(form, name)
    }
    said: dict[str, Json] = {"job_type": form.type, "spec": _spec(form)}
    said |= {"policy": policy} if policy else {}
    said |= {name: getattr(form, name) for name in ("dataset", "name") if getattr(form, name)}
    said |= {"metadata": {"description": form.description}} if form.description else {}
    said |= {"topics": form.topics.split()} if form.topics else {}
    said |= {"public": form.public == "yes"} if form.public else {}
    try:
        return msgspec.convert(said, JobBody, strict=False)
    except msgspec.ValidationError as error:
        raise named(str(error)) from error


def _spec(form: JobForm) -> Json:
    if not form.spec.strip():
        raise bad_field("/spec", "the spec is empty: start from an example, or fill in its form")
    try:
        return msgspec.json.decode(form.spec)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise bad_field("/spec", f"the spec is not JSON: {error}") from error


def _page(
    request: AnyRequest,
    server: Server,
    caller: Caller,
    form: JobForm,
    problem: Problem | None = None,
) -> Response[str]:
    """The page with what the form has become so far."""
    job_type = whole(server, form.type)
    preview, copies, body = None, None, None
    try:
        body = _body(form) if form.spec.strip() else None
        if body is not None:
            asked = _asked(Mode(job_type["default_mode"]), body)
            preview = previewing.look(server, caller, form.type, body.spec, body.dataset, asked)
            sent = msgspec.to_builtins(body)
            copies = requests.copies(server_origin(request, server.settings), _sparse(sent))
    except Problem as found:
        problem = problem or found
    dataset = _dataset(server, caller, form.dataset)
    facts = {
        "here": "jobs",
        "csrf": forms.csrf_of(server, caller),
        "form": form,
        "one": job_type,
        "datasets": _datasets(server, caller),
        "dataset": None if dataset is None else _shown(server, dataset),
        "preview": preview,
        "copies": copies,
        "errors": [] if problem is None else _errors(problem, body),
        "costs": estimate.MEASURED,
        "default_mode": job_type["default_mode"],
        "types": columns.TYPES,
        "needs_dataset": job_type["needs_dataset"],
    }
    code = 400 if problem is not None and form.do == "submit" else 200
    return render.page("new_job.html", facts, code=code, headers=forms.NO_STORE)


def _asked(usual: Mode, body: JobBody) -> Policy:
    """How sure the job is to be, as far as its cost goes; `usual` where it does not say."""
    quorum, mode = body.policy.min_quorum, body.policy.mode
    default = usual if quorum is UNSET else Mode.FIXED
    least = Policy().min_quorum if quorum is UNSET else quorum
    return Policy(mode=default if mode is UNSET else Mode(mode), min_quorum=least)


def _sparse(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value not in ({}, [], None)}


def _errors(problem: Problem, body: JobBody | None) -> list[dict[str, Any]]:
    """Each with the text it is in and a caret below its place, where it has one."""
    shown = []
    for one in problem.errors or [Detail(pointer="", detail=problem.detail)]:
        line = _text_at(one, body)
        caret = "" if line is None or one.position is None else " " * one.position + "^"
        shown.append({"pointer": one.pointer, "detail": one.detail, "line": line, "caret": caret})
    return shown


def _text_at(error: Detail, body: JobBody | None) -> str | None:
    if error.position is None or body is None:
        return None
    found: Json = {"spec": body.spec}
    for step in error.pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
    return found if isinstance(found, str) else None


def _datasets(server: Server, caller: Caller) -> list[View]:
    with server.store.read() as connection:
        found = listings.datasets(connection, caller.viewer, DATASETS_LISTED)
    return [public_view.dataset(one, server.names) for one in found]


def _dataset(server: Server, caller: Caller, public_id: str) -> DataSet | None:
    number = server.store.keyring.identifiers.internal(Kind.DATASET, public_id)
    with server.store.read() as connection:
        found = queries.dataset(connection, number)
    return found if found is not None and caller.may_see(found) else None


def _shown(server: Server, dataset: DataSet) -> View:
    counted = columns.null_counts(server, dataset)
    return {
        **public_view.dataset(dataset, server.names),
        "preview": first_rows(server, dataset, min(ROWS_SHOWN, PREVIEW_ROWS)),
        "nulls": counted.nulls,
        "counted": counted.rows,
    }


HANDLERS = (show_new_job, make_new_job)
