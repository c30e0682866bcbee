"""This file is where it stands what requesters ask a server, in steps that any driver takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from grid.client.errors import GridError, JobCancelled, JobFailed, TimedOut
from grid.client.outputs import Output
from grid.client.steps import Ask, Pause, Steps
from grid.client.tables import Table, table

View = dict[str, Any]
#: Called with each view of a job that is waited for.
Seen = Callable[[View], None]

OPEN = ("active", "paused")
#: Pauses between two looks at a job grow with its age, up to the last.
LOOK_S, LOOK_SHARE, LOOK_S_MAX = 0.1, 0.1, 5.0


class DataSet(Struct, frozen=True):
    """A data set that the server has."""

    view: View

    @property
    def id(self) -> str:
        """By which jobs name it."""
        return str(self.view["id"])

    def __repr__(self) -> str:
        return f"<DataSet {self.id} {self.view['name']!r}: {self.view['rows']:,} rows>"


def upload(data: Any, name: str | None, public: bool, **options: Any) -> Steps[DataSet]:
    """Put a table on the server."""
    given: Table = table(data, name)
    query = {"name": given.name, "public": str(public).lower(), **given.query, **options}
    ask = Ask(method="POST", path="datasets", query=query, body=given.body)
    if given.once:
        ask.body = _only_once(given)
    return DataSet((yield ask))


def _only_once(given: Table) -> Callable[[], Any]:
    made: list[None] = []

    def body() -> Any:
        if made:
            raise GridError("the upload broke off, and its rows can be made only once")
        made.append(None)
        return given.body()

    return body


def submit(
    job_type: str,
    spec: Mapping[str, Any],
    dataset: Any,
    *,
    public: bool,
    **further: Any,
) -> Steps[View]:
    """A new job on a data set: one that is there, its id, or one to be put there first.

    Of `further` fields those are left out that are None.
    """
    given = {name: value for name, value in further.items() if value is not None}
    body: View = {"job_type": job_type, "spec": dict(spec), **given}
    if isinstance(dataset, DataSet):
        body["dataset"] = dataset.id
    elif isinstance(dataset, str) and dataset.startswith("data_"):
        body["dataset"] = dataset
    elif dataset is not None:
        body["dataset"] = (yield from upload(dataset, None, public)).id
    if dataset is None or not public:
        body["public"] = public
    return (yield from post(body))


def post(body: View) -> Steps[View]:
    """A new job, whole as `POST /jobs` takes it."""
    view: View = yield Ask(method="POST", path="jobs", json=body)
    return view


def show(job_id: str) -> Steps[View]:
    """A job as it is now."""
    view: View = yield Ask(method="GET", path=f"jobs/{job_id}")
    return view


def move(job_id: str, verb: str) -> Steps[View]:
    """Pause, resume or cancel a job."""
    view: View = yield Ask(method="POST", path=f"jobs/{job_id}/{verb}")
    return view


def ended(job_id: str, timeout_s: float | None, seen: Seen) -> Steps[View]:
    """A job once it has ended; raises TimedOut."""
    started = time.monotonic()
    while True:
        view = yield from show(job_id)
        seen(view)
        if view["state"] not in OPEN:
            return view
        waited_s = time.monotonic() - started
        if timeout_s is not None and waited_s >= timeout_s:
            raise TimedOut(f"{job_id} is {view['state']} after {timeout_s:g} s: it goes on")
        pause_s = min(LOOK_S + LOOK_SHARE * waited_s, LOOK_S_MAX)
        yield Pause(pause_s if timeout_s is None else min(pause_s, timeout_s - waited_s))


def result(job_id: str, timeout_s: float | None, seen: Seen) -> Steps[Output]:
    """A job's output; raises JobFailed, JobCancelled or TimedOut."""
    view = yield from ended(job_id, timeout_s, seen)
    refuse(view)
    said = yield Ask(method="GET", path=f"jobs/{job_id}/output")
    return Output(said, view["output_columns"])


def refuse(view: View) -> None:
    """Raise what a job ended with, unless that is an output."""
    if view["state"] == "failed":
        raise JobFailed(str(view["failure"]))
    if view["state"] == "cancelled":
        raise JobCancelled(f"{view['id']} was cancelled")


def output(job_id: str, kind: str) -> Steps[bytes]:
    """A job's output as bytes of this format."""
    query = {"format": kind}
    said: bytes = yield Ask(method="GET", path=f"jobs/{job_id}/output", query=query, raw=True)
    return said


def listed(path: str, limit: int | None = None, **query: Any) -> Steps[list[View]]:
    """What a list has, over all its pages, or so many of it."""
    found: list[View] = []
    ask = Ask(method="GET", path=path, query=query or None)
    while True:
        page = yield ask
        found += page["items"]
        following = page.get("_links", {}).get("next")
        if following is None or (limit is not None and len(found) >= limit):
            return found[:limit]
        ask = Ask(method="GET", path=following["href"])


def hosts() -> Steps[View]:
    """Who is here now."""
    view: View = yield Ask(method="GET", path="hosts")
    return view


def ban(volunteer_id: str, reason: str | None) -> Steps[View]:
    """Ban a volunteer, or, without a reason, let it in again."""
    verb, body = ("unban", None) if reason is None else ("ban", {"reason": reason})
    path = f"admin/volunteers/{volunteer_id}/{verb}"
    view: View = yield Ask(method="POST", path=path, json=body)
    return view
