"""This file is where it is chosen how large a new job's work units are, and what they cost."""

from __future__ import annotations

from msgspec import UNSET, Struct

from grid import splitter
from grid.db import speeds
from grid.items import DataSet
from grid.jobspec import CheckedSpec
from grid.plugins.contract import COST_MAX, Points
from grid.plugins.inputs import over_points
from grid.plugins.loader import Loaded
from grid.plugins.points import point_range
from web.messages import JobBody
from web.problems import bad_field
from web.server import Server

#: Work units of one job: a server that decides a thousand a second has them done in three hours.
WORKUNITS_MAX = 10_000_000


class Size(Struct, frozen=True, kw_only=True):
    """How a new job is cut."""

    #: Chunks of a work unit; of a job that counts points, how many it has, and a work unit has.
    chunks: int = 1
    point_count: int | None = None
    points: int = 0
    #: Milliseconds that a work unit takes a host of the usual speed; 0 when nobody knows.
    unit_ms: int = 0
    #: What the job type declares that a work unit costs, and the last one.
    unit_cost: int = 1
    last_cost: int = 1


def size(
    server: Server, body: JobBody, loaded: Loaded, checked: CheckedSpec, dataset: DataSet | None
) -> Size:
    """The size of its work units, and their costs.

    Raises Problem for what was asked for, and whatever the job type does.
    """
    if checked.points is not None:
        return _of_points(server, body, loaded, checked, checked.points, dataset)
    if body.workunit_points is not UNSET:
        raise bad_field("/workunit_points", "jobs of this type are over chunks, not points")
    assert dataset is not None, "a job without a data set counts points"
    return _of_chunks(server, body, loaded, checked, dataset)


def work_units(cut: Size, dataset: DataSet | None) -> int:
    """How many work units that makes."""
    if cut.point_count is not None:
        return splitter.workunit_count(cut.point_count, cut.points)
    return 0 if dataset is None else splitter.workunit_count(dataset.chunk_count, cut.chunks)


def _of_chunks(
    server: Server, body: JobBody, loaded: Loaded, checked: CheckedSpec, dataset: DataSet
) -> Size:
    """Whoever chose the rows of a chunk has chosen how finely the work is cut."""
    row_ns = _row_ns(server, body.job_type)
    if body.workunit_chunks is not UNSET:
        chunks = body.workunit_chunks
    elif dataset.chunk_rows != server.settings.chunk_rows:
        chunks = 1
    else:
        hosts = len(server.store.context.sharing.crowd)
        target_ms = round(server.settings.workunit_target_s * 1000)
        chunks = splitter.chunks_per_workunit(dataset, row_ns, hosts, target_ms)
    chunks = _fitting(body, loaded, checked, dataset, chunks)
    unit_ms = splitter.unit_ms(dataset, row_ns, chunks)
    count = splitter.workunit_count(dataset.chunk_count, chunks)
    if not count:
        return Size(chunks=chunks, unit_ms=unit_ms)
    each = -(-dataset.chunk_count // count)
    last = (count - 1) * each
    sizes = (dataset.rows_of(0, each), dataset.rows_of(last, dataset.chunk_count - last))
    unit_cost, last_cost = (_cost(loaded, checked, dataset, rows) for rows in sizes)
    return Size(chunks=chunks, unit_ms=unit_ms, unit_cost=unit_cost, last_cost=last_cost)


def _of_points(
    server: Server,
    body: JobBody,
    loaded: Loaded,
    checked: CheckedSpec,
    points: Points,
    dataset: DataSet | None,
) -> Size:
    """As asked for; else by the measured time of what the job type declares that points cost."""
    if body.workunit_chunks is not UNSET:
        raise bad_field("/workunit_chunks", "jobs of this type count points: give workunit_points")
    if not points.count:
        return Size(point_count=0, points=1)

    def cost(first: int, count: int) -> int:
        some = point_range(points.count, first, count)
        rows = over_points(some, checked.spec, loaded.job_type, dataset).rows
        return _cost(loaded, checked, dataset, rows)

    many = min(points.count, points.per_workunit_max)
    row_ns = _row_ns(server, body.job_type)
    point_ns = points.point_ns if row_ns is None else row_ns * cost(0, many) / many
    if body.workunit_points is not UNSET:
        each = _asked(body.workunit_points, points)
    else:
        hosts = len(server.store.context.sharing.crowd)
        target_ms = round(server.settings.workunit_target_s * 1000)
        each = splitter.points_per_workunit(points, point_ns, hosts, target_ms)
    units = splitter.workunit_count(points.count, each)
    if units > WORKUNITS_MAX:
        detail = f"{units:,} work units; {WORKUNITS_MAX:,} at most"
        raise bad_field("/spec" if body.workunit_points is UNSET else "/workunit_points", detail)
    last = (units - 1) * each
    return Size(
        point_count=points.count,
        points=each,
        unit_ms=max(1, round(point_ns * each / 1_000_000)),
        unit_cost=cost(0, min(each, points.count)),
        last_cost=cost(last, points.count - last),
    )


def _fitting(
    body: JobBody, loaded: Loaded, checked: CheckedSpec, dataset: DataSet, chunks: int
) -> int:
    """So many chunks, or as many as one output can be of; raises Problem where not one can."""
    limit = loaded.job_type.output_bytes_max

    def size(count: int) -> int:
        rows = dataset.rows_of(0, min(count, dataset.chunk_count))
        return loaded.job_type.output_bytes(checked.spec, dataset.columns, rows)

    if not dataset.chunk_count or size(chunks) <= limit:
        return chunks
    if body.workunit_chunks is not UNSET and size(1) <= limit:
        detail = f"the output of so many chunks has some {size(chunks):,} bytes; {limit:,} at most"
        raise bad_field("/workunit_chunks", detail)
    if size(1) > limit:
        rows = dataset.rows_of(0, 1)[0]
        fitting = max(1, rows * limit // size(1))
        raise bad_field(
            "/dataset",
            f"the output of one chunk of {rows:,} rows has some {size(1):,} bytes, and {limit:,} "
            f"is the most: upload the data with a chunk_rows of {fitting} or less",
        )
    low, high = 1, chunks
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= limit else (low, middle)
    return low


def _asked(each: int, points: Points) -> int:
    if each > points.per_workunit_max:
        raise bad_field("/workunit_points", f"at most {points.per_workunit_max:,} for this spec")
    return each


def _cost(
    loaded: Loaded, checked: CheckedSpec, dataset: DataSet | None, rows: tuple[int, ...]
) -> int:
    columns = () if dataset is None else dataset.columns
    cost = loaded.job_type.cost(checked.spec, columns, rows)
    if type(cost) is not int or not 1 <= cost <= COST_MAX:
        raise ValueError(f"a cost is an integer of 1 to {COST_MAX}, not {cost}")
    return cost


def _row_ns(server: Server, job_type: str) -> int | None:
    with server.store.read() as connection:
        return speeds.row_ns(connection, job_type)
