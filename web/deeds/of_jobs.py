"""This file is where jobs are paused, resumed, cancelled, put first, given hosts, thawed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta

from grid.db import appeals, hosts
from grid.db.transaction import Transaction
from grid.items import Job
from grid.states import IllegalMove, JobState
from web import looks, moving, reserving
from web.deeds.base import Aim, Ask, Deed, Doing, Effect, Text, check_owner
from web.messages import Priority, ReservationBody
from web.problems import Problem, bad_field


class PriorityAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another place among the jobs."""

    priority: Priority


class ReserveAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hosts for one job."""

    hosts: Annotated[int, Meta(ge=1, le=10_000)]
    fewer: Literal["no", "yes"] = "no"


class BelieveAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to believe."""

    believe: Literal["server", "volunteers"]


class EngineAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An engine that is suspected."""

    engine: Text


def _job(doing: Doing, public_id: str) -> int:
    job = looks.find_job(doing.server, doing.caller, public_id).job
    check_owner(doing.caller, job, "job")
    return job.id


def _moves(to: JobState) -> Callable[[Doing, Aim], Effect]:
    def prepare(doing: Doing, form: Aim) -> Effect:
        job_id = _job(doing, form.on)
        return lambda transaction: moving.move(doing.server, transaction, job_id, to)

    return prepare


def _prioritise(doing: Doing, form: PriorityAim) -> Effect:
    job_id = _job(doing, form.on)
    return lambda tx: moving.put_before(tx, doing.caller, job_id, form.priority)


def _reserve(doing: Doing, form: ReserveAim) -> Effect:
    job_id = _job(doing, form.on)
    wanted = ReservationBody(hosts=form.hosts, fewer=form.fewer == "yes")

    def reserve(transaction: Transaction) -> None:
        reserving.reserve(doing.server, transaction, doing.caller, job_id, wanted)

    return reserve


def _release(doing: Doing, form: Aim) -> Effect:
    job_id = _job(doing, form.on)

    def release(transaction: Transaction) -> None:
        hosts.release(transaction, job_id)

    return release


def _thaw(doing: Doing, form: BelieveAim) -> Effect:
    job_id = _job(doing, form.on)

    def thaw(transaction: Transaction) -> None:
        try:
            believes = form.believe == "volunteers"
            appeals.thaw(transaction, job_id, believes, doing.server.store.context)
        except IllegalMove as error:
            raise Problem(409, f"the job is over: {error.before} → {error.after}") from error

    return thaw


def _lift(doing: Doing, form: EngineAim) -> Effect:
    job_id = _job(doing, form.on)

    def lift(transaction: Transaction) -> None:
        if not appeals.lift(transaction, job_id, form.engine):
            raise bad_field("/engine", f"{form.engine}: is not suspected in this job")

    return lift


DEEDS = (
    Deed(
        name="pause-job",
        title="Pause",
        says="Nothing more of this job goes out. What volunteers hold may come back, and counts.",
        prepare=_moves(JobState.PAUSED),
        admin=False,
    ),
    Deed(
        name="resume-job",
        title="Resume",
        says="Work of this job goes out again, from where it stopped.",
        prepare=_moves(JobState.ACTIVE),
        admin=False,
    ),
    Deed(
        name="cancel-job",
        title="Cancel",
        says="The job ends for good, without an output. Work that is out is taken and credited "
        "where it was decided, and merged no more. It cannot be undone; the job can be cloned.",
        prepare=_moves(JobState.CANCELLED),
        admin=False,
    ),
    Deed(
        name="prioritise-job",
        title="Change priority",
        says="Larger goes first, from the next assignment on. Requesters choose −100 to 0; above 0 "
        "is an admin's to give. Results do not depend on it.",
        prepare=_prioritise,
        form=PriorityAim,
        asks=(Ask(name="priority", label="Priority, −100 to 100", kind="number", value="0"),),
        admin=False,
    ),
    Deed(
        name="reserve-hosts",
        title="Reserve hosts",
        says="These hosts, which are here and free and have what the job needs, get its work and "
        "no other until it ends.",
        prepare=_reserve,
        form=ReserveAim,
        asks=(
            Ask(name="hosts", label="How many hosts", kind="number", value="2"),
            Ask(name="fewer", label="Will fewer do?", choices=("no", "yes"), value="no"),
        ),
        admin=False,
    ),
    Deed(
        name="release-hosts",
        title="Release hosts",
        says="Its reserved hosts go back to everybody.",
        prepare=_release,
        admin=False,
    ),
    Deed(
        name="thaw-job",
        title="Let it go on",
        says="The job goes on, and the public log says whom you believe. Where you believe the "
        "volunteers, the server's own answers count no more.",
        prepare=_thaw,
        form=BelieveAim,
        asks=(Ask(name="believe", label="Believe", choices=("server", "volunteers")),),
    ),
    Deed(
        name="clear-engine",
        title="Clear an engine",
        says="What this engine answered in this job counts again, and it gets its work again.",
        prepare=_lift,
        form=EngineAim,
        asks=(Ask(name="engine", label="Engine, such as chromium/130"),),
    ),
)


def possible(job: Job, admin: bool) -> list[Deed]:
    """What can be done with a job as it stands, by its owner or by an admin."""
    by_name = {one.name: one for one in DEEDS}
    if job.job_state in moving.ENDED:
        return []
    names = ["cancel-job", "prioritise-job", "reserve-hosts", "release-hosts"]
    if job.frozen is not None:
        names = ["thaw-job", *names] if admin else names
    else:
        active = job.job_state is JobState.ACTIVE
        names.insert(0, "pause-job" if active else "resume-job")
    return [by_name[name] for name in (*names, *(["clear-engine"] if admin else []))]
