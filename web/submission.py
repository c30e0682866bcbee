"""This file is where a posted job becomes one that can be recorded, or a problem naming the field.

Blocks: job types check specs and generate programs here, and the program is written to the disk.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from grid import canonical, jobspec
from grid.codegen.errors import ProgramRefused
from grid.db import commands, progress, queries
from grid.db.commands import NewJob
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import Column, DataSet, Json, Mode, Needs, Policy
from grid.jobspec import CheckedSpec, SpecRefused
from grid.plugins.loader import Found, Loaded, PluginError
from grid.validator.modes import PROMISES, usual
from web.allowing import require_disk, require_room
from web.callers import Caller
from web.messages import NAME_CHARS_MAX, JobBody, PolicyBody
from web.problems import Detail, Problem, bad_field
from web.server import Server
from web.sizing import Size, size

#: Free words about a job; what is larger belongs into a data set.
METADATA_BYTES_MAX = 16_000
METADATA_DEPTH_MAX = 10


def prepare(server: Server, caller: Caller, account_id: int, body: JobBody) -> NewJob:
    """Everything a new job needs; its program is stored. Raises Problem."""
    found, loaded = enabled(server, body.job_type)
    dataset = posted_dataset(server, caller, loaded, body.dataset)
    public = _public(body, dataset)
    default = usual_mode(server, loaded) if public else Mode.TRUSTED
    _check_metadata(body.metadata)
    checked = check_spec(body.spec, loaded, dataset)
    policy = _policy(
        body.policy, Mode.TRUSTED if checked.secrets else default, caller, server.store.now()
    )
    try:
        merge_state = loaded.job_type.merge_start(checked.spec, columns_of(dataset))
    except Exception as error:  # the job type's fault, and nobody else's
        raise _broken(body.job_type, error) from error
    cut = sized(server, body, loaded, checked, dataset)
    name = _name(body, loaded, dataset)
    return NewJob(
        account_id=account_id,
        job_type=found.manifest.name,
        version=found.manifest.version,
        job_type_digest=found.digest,
        spec=checked.spec,
        params=checked.params,
        reads=tuple(column.name for column in checked.reads),
        output_columns=checked.output_columns,
        merge_state=merge_state,
        dataset_id=None if dataset is None else dataset.id,
        name=_storable("/name", name)[:NAME_CHARS_MAX],
        metadata=body.metadata,
        public=public,
        policy=policy,
        program_digest=server.store.blobs.put(checked.program.encode("ascii")),
        seal_opens_by=server.store.now() + server.settings.seal_max_s,
        needs=Needs(**msgspec.structs.asdict(body.needs)),
        topics=tuple(dict.fromkeys(body.topics)),
        chunks_per_workunit=cut.chunks,
        point_count=cut.point_count,
        workunit_points=cut.points,
        unit_ms=cut.unit_ms,
        unit_cost=cut.unit_cost,
        last_cost=cut.last_cost,
        secrets=checked.secrets,
    )


async def record(server: Server, caller: Caller, new: NewJob) -> int:
    """A job with its first work units; its number. Raises 409 or 507 where there is no room."""
    require_disk(server)

    def add(transaction: Transaction) -> int:
        job = commands.add_job(transaction, new, server.store.keyring)
        require_room(server, transaction, caller)
        return job.id

    number = await server.store.awrite(add)
    await first_workunits(server, number)
    return number


async def first_workunits(server: Server, job_id: int) -> None:
    """Make what a new job's hosts will ask for first."""
    high_water, context = server.settings.unsent_workunits_max, server.store.context
    await server.store.awrite(lambda tx: progress.make_workunits(tx, job_id, high_water, context))


def enabled(server: Server, name: str, pointer: str = "/job_type") -> tuple[Found, Loaded]:
    """An enabled job type, with its code; raises Problem naming `pointer`."""
    try:
        found = server.store.job_types.find(name)
    except PluginError as error:
        raise bad_field(pointer, f"{name} cannot be used: {error}", 409) from error
    if found is None:
        raise bad_field(pointer, f"there is no job type {name!r}")
    with server.store.read() as connection:
        row = queries.plugins(connection).get(name)
    if row is None or not row.enabled or row.digest != found.digest:
        raise bad_field(pointer, f"{name} is disabled: an admin must enable it first", 409)
    try:
        return found, server.store.job_types.loaded(found.digest)
    except PluginError as error:
        raise bad_field(pointer, f"{name} cannot be used: {error}", 409) from error


def usual_mode(server: Server, loaded: Loaded) -> Mode:
    """The mode of a public job of this type whose policy names none."""
    one_decides = loaded.job_type.one_decides or loaded.job_type.stops_early
    return usual(server.settings.default_mode, one_decides)


def check_spec(spec: Json, loaded: Loaded, dataset: DataSet | None) -> CheckedSpec:
    """The spec with all that follows from it; raises Problem naming its fields."""
    columns = columns_of(dataset)
    rows = () if dataset is None else dataset.rows_of(0, dataset.chunk_count)
    try:
        return jobspec.check(spec, loaded.spec_schema, loaded.job_type, columns, rows)
    except SpecRefused as error:
        details = [
            Detail(pointer=f"/spec{one.pointer}", detail=one.message, position=one.position)
            for one in error.errors
        ]
        raise Problem(400, details[0].detail, details) from error
    except ProgramRefused as error:
        detail = f"{loaded.manifest.name} made a program that is not allowed: {error}"
        raise bad_field("/spec", detail) from error
    except Exception as error:  # the job type's fault, and nobody else's
        raise _broken(loaded.manifest.name, error) from error


def sized(
    server: Server, body: JobBody, loaded: Loaded, checked: CheckedSpec, dataset: DataSet | None
) -> Size:
    """How the job is cut; raises Problem naming the field."""
    try:
        return size(server, body, loaded, checked, dataset)
    except Problem:
        raise
    except Exception as error:  # the job type's fault, and nobody else's
        raise _broken(loaded.manifest.name, error) from error


def _broken(name: str, error: Exception) -> Problem:
    return bad_field("/spec", f"{name} failed at this spec: {type(error).__name__}: {error}"[:500])


def columns_of(dataset: DataSet | None) -> tuple[Column, ...]:
    """A data set's columns; none where there is no data set."""
    return () if dataset is None else dataset.columns


def posted_dataset(
    server: Server, caller: Caller, loaded: Loaded, public_id: str | UnsetType
) -> DataSet | None:
    """The data set that a body names, if the job type needs one; raises Problem naming the
    field."""
    name = loaded.manifest.name
    if not loaded.job_type.over_dataset:
        if public_id is not UNSET:
            raise bad_field("/dataset", f"{name} needs no data set: leave it out")
        return None
    if public_id is UNSET:
        raise bad_field("/dataset", f"{name} needs a data set")
    number = server.store.keyring.identifiers.internal(Kind.DATASET, public_id)
    with server.store.read() as connection:
        dataset = queries.dataset(connection, number)
    if dataset is None or not caller.may_see(dataset):
        raise bad_field("/dataset", "there is no such data set")
    return dataset


def _public(body: JobBody, dataset: DataSet | None) -> bool:
    if body.public is UNSET:
        return dataset is None or dataset.public
    if body.public and dataset is not None and not dataset.public:
        raise bad_field("/public", "a job on a private data set is private")
    return body.public


def _name(body: JobBody, loaded: Loaded, dataset: DataSet | None) -> str:
    if body.name is not UNSET:
        return body.name
    return loaded.manifest.title if dataset is None else f"{body.job_type} of {dataset.name}"


def _policy(asked: PolicyBody, default: Mode, caller: Caller, now: int) -> Policy:
    given = {
        name: value for name, value in msgspec.structs.asdict(asked).items() if value is not UNSET
    }
    mode, public = _mode(given, default), default is not Mode.TRUSTED
    if "target_error" in given:
        given["target_error_ppb"] = round(given.pop("target_error") * 10**9)
    if "deadline_s" in given:
        given["deadline_at"] = now + given.pop("deadline_s")
    if not public and mode is not Mode.TRUSTED:
        detail = 'a job that is private, or whose spec has a secret, has the mode "trusted" only'
        raise bad_field("/policy/mode", detail)
    if mode is Mode.TRUSTED:
        for name in ("min_quorum", "target_nresults"):
            if given.get(name, 1) != 1:
                detail = 'in mode "trusted" each work unit is computed once'
                raise bad_field(f"/policy/{name}", detail)
        given |= {"min_quorum": 1, "target_nresults": 1}
    if mode in PROMISES:
        given |= {"min_quorum": PROMISES[mode].principals_min, "target_nresults": 1}
    quorum = given.get("min_quorum", Policy().min_quorum)
    given.setdefault("target_nresults", quorum)
    for name in ("max_total_results", "max_success_results"):
        if name not in given:
            given[name] = max(getattr(Policy(), name), given["target_nresults"])
    policy = Policy(mode=mode, **given)
    _check_bounds(policy)
    if policy.priority > 0 and not caller.admin:
        raise bad_field("/policy/priority", "a priority above 0 is an admin's to give", 403)
    return policy


def _mode(given: dict[str, Any], default: Mode) -> Mode:
    """The mode that was asked for, by name or by what only it has; leaves `given` without it."""
    asked = given.pop("mode", None)
    if "target_error" in given:
        if "min_quorum" in given or asked in (Mode.FIXED, Mode.TRUSTED):
            detail = "a quorum is a number of answers, and says nothing about errors: give one"
            raise bad_field("/policy/target_error", detail)
        asked = asked or Mode.STANDARD
    counted = [name for name in ("min_quorum", "target_nresults") if name in given]
    if asked in PROMISES and counted:
        detail = f'mode "{asked}" has no fixed number of answers: leave it out'
        raise bad_field(f"/policy/{counted[0]}", detail)
    if asked is None and counted and default is not Mode.TRUSTED:
        asked = Mode.FIXED
    return Mode(asked or default)


def _check_bounds(policy: Policy) -> None:
    floors = (
        ("target_nresults", "min_quorum"),
        ("max_total_results", "target_nresults"),
        ("max_success_results", "min_quorum"),
    )
    for name, floor in floors:
        if policy.mode in PROMISES and name == "target_nresults":
            continue  # one copy after another, until the answer is believed
        least = getattr(policy, floor)
        if getattr(policy, name) < least:
            raise bad_field(f"/policy/{name}", f"at least {floor}, which is {least}")


def _check_metadata(metadata: dict[str, Json]) -> None:
    if _deeper(metadata, METADATA_DEPTH_MAX):
        raise bad_field("/metadata", f"nested {METADATA_DEPTH_MAX} deep at most")
    try:
        size = len(canonical.dumps(metadata))
    except ValueError as error:
        raise bad_field("/metadata", f"no exact JSON: {error}") from error
    if size > METADATA_BYTES_MAX:
        raise bad_field("/metadata", f"at most {METADATA_BYTES_MAX:,} bytes")


def _deeper(value: Json, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_deeper(item, depth - 1) for item in inner)


def _storable(pointer: str, text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise bad_field(pointer, "printable characters are wanted")
    return text
