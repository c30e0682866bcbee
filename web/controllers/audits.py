"""This file is where auditors and readers get what they check, and say that they have."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.response import Stream

from grid import readers
from grid.db import checks, listings
from grid.db.rows import JobFacts
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.readers import Checked, Refused
from web import bodies, bundles, evidence, looks, proving, public_view
from web.addresses import server_origin
from web.answers import PRIVATE, as_json
from web.messages import CheckBody
from web.problems import AnyRequest, Problem, bad_field, not_found
from web.proving import Told
from web.routes import about
from web.server import Server

ZIP = "application/zip"
#: Work units' places have no more digits.
DIGITS_MAX = 10
#: Checks that all readers together may leave in a minute: keys are free, and the log is for ever.
CHECKS_PER_MINUTE_MAX = 60


@get("/jobs/{id:str}/bundle", sync_to_thread=True, opt=about(answer=ZIP, problems=(404, 409)))
def show_bundle(request: AnyRequest) -> Stream:
    """Gives all that checks a public job without this server: data, code, answers, output, and the
    log's entries with their proofs. 409 while its seal is shut."""
    server, facts, name = _opened(request)
    told = _told(server, name)
    address = server_origin(request, server.settings)
    return Stream(
        bundles.written(server, facts, told, address),
        media_type=ZIP,
        headers={
            "Cache-Control": PRIVATE,
            "Content-Disposition": f'attachment; filename="{name}.zip"',
        },
    )


@get("/jobs/{id:str}/evidence", sync_to_thread=True, opt=about(problems=(404, 409)))
def show_evidence(request: AnyRequest) -> Response[bytes]:
    """Gives what shows a public job to a browser: its submission, program and output in the log,
    with proofs, and how many readers have checked it. 409 while its seal is shut."""
    server, facts, name = _opened(request)
    _told(server, name)
    with server.store.read() as connection:
        counted = checks.counted(connection, facts.job.id)
    view = evidence.of_job(server, facts, proving.of_summary(server, name), counted)
    return as_json(view)


@get(
    "/jobs/{id:str}/evidence/{work_unit:str}",
    sync_to_thread=True,
    opt=about(problems=(400, 404, 409)),
)
def show_unit_evidence(request: AnyRequest) -> Response[bytes]:
    """Gives all that computes one work unit of a public job again and holds it against the log:
    program, inputs and verdict, each with its proof. 409 while the job's seal is shut."""
    server, facts, name = _opened(request)
    text = request.path_params["work_unit"]
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise bad_field("/work_unit", "a work unit's place in its job is a whole number from 0")
    _told(server, name)
    view = evidence.of_unit(server, facts, int(text))
    if view is None:
        raise not_found("decided work unit")
    return as_json(view)


@post(
    "/jobs/{id:str}/checks",
    opt=about(body=CheckBody, code=201, problems=(400, 404, 409, 413, 415, 429)),
)
async def leave_check(request: AnyRequest) -> Response[bytes]:
    """Takes a reader's signed word on what came of computing part of an output again. It enters the
    log; a key counts once for a job."""
    server, facts, name = _opened(request)
    body = await bodies.read(request, CheckBody)
    try:
        said = readers.read(body.statement, body.key, body.signature)
    except Refused as error:
        raise bad_field("/statement", str(error)) from error
    _check_said(server, facts, name, said)

    def leave(transaction: Transaction) -> bool:
        if checks.since(transaction.connection, transaction.now - 60) >= CHECKS_PER_MINUTE_MAX:
            raise Problem(429, "many readers check just now", headers={"Retry-After": "60"})
        return checks.leave(
            transaction,
            facts.job.id,
            server.store.keyring.about(facts.job),
            said.same,
            body.statement,
            body.key,
            body.signature,
        )

    fresh = await server.store.awrite(leave)
    with server.store.read() as connection:
        counted = checks.counted(connection, facts.job.id)
    view = {"counted": fresh, **evidence.of_checks(counted)}
    return as_json(view, 201 if fresh else 200)


def _check_said(server: Server, facts: JobFacts, name: str, said: Checked) -> None:
    with server.store.read() as connection:
        made = listings.outputs(connection, [facts.job.id])[facts.job.id]
    if said.job != name:
        raise bad_field("/statement", "the statement is about another job")
    if said.manifest not in {one.manifest_digest for one in made}:
        raise bad_field("/statement", "the job has no output with this manifest")
    if said.work_units[-1] >= facts.job.workunit_count:
        raise bad_field("/statement", f"the job has {facts.job.workunit_count} work units")


def _opened(request: AnyRequest) -> tuple[Server, JobFacts, str]:
    """A public job whose seal is open; raises 404, and 409 for another one."""
    server, caller = looks.asked(request)
    bodies.allow_query(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    if not facts.job.public:
        detail = "a private job cannot be audited: the log holds keyed digests of it, which nobody"
        raise Problem(409, f"{detail} else can compare")
    if not public_view.is_open(facts.job, server.store.now()):
        raise Problem(409, "the job's seal is shut: who answered what is public once it opens")
    return server, facts, server.names.of(Kind.JOB, facts.job.id)


def _told(server: Server, name: str) -> Told:
    told = proving.of_job(server, name)
    if not told.revealed:
        detail = "its verdicts are about to enter the log"
        raise Problem(409, detail, headers={"Retry-After": "1"})
    return told


API_HANDLERS = (show_bundle, show_evidence, show_unit_evidence, leave_check)
