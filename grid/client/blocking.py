"""This file is where requesters write plain Python: each call waits for its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, TypeVar

from rich.text import Text

from grid.client import asking
from grid.client.asking import OPEN, DataSet, Seen, View
from grid.client.errors import GridError
from grid.client.outputs import Output
from grid.client.showing import Bar, html, line
from grid.client.steps import Driver, Steps

T = TypeVar("T")

#: Requests are sent again so often while that may help.
TRIES = 6
#: Jobs that are waited for at a time: each is a thread that mostly sleeps.
WAITED_MAX = 64


class Grid:
    """One server, as somebody with this token sees it; without one, as anybody does.

    `with Grid(url, token) as grid:` ends its connections; so does `close()`. Raises GridError for
    whatever goes wrong (`grid.client.errors`). Threads may share it.
    """

    def __init__(
        self, url: str, token: str | None = None, *, tries: int = TRIES, **transport: Any
    ) -> None:
        self.url = url.rstrip("/")
        self._driver = Driver(self.url, token, tries, **transport)

    def __enter__(self) -> Grid:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Grid {self.url}>"

    def close(self) -> None:
        """End its connections; jobs go on."""
        self._driver.close()

    def take(self, steps: Steps[T]) -> T:
        """Take the steps of `grid.client.asking`."""
        return self._driver.take(steps)

    def upload(
        self, data: Any, name: str | None = None, *, public: bool = True, **options: Any
    ) -> DataSet:
        """Put a table on the server: a path or bytes of CSV, an Arrow table, a pandas or polars
        frame, or rows as mappings. `options` are those of `POST /datasets`: `types`, `null`, …"""
        return self._driver.take(asking.upload(data, name, public, **options))

    def submit(
        self,
        job_type: str,
        spec: Mapping[str, Any] | None = None,
        *,
        data: Any = None,
        public: bool = True,
        name: str | None = None,
        policy: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Job:
        """Post a job; `fields` are those of its spec, if `spec` is not given.

        `data` is what `upload` takes, a `DataSet`, or a data set's id.
        """
        wanted = {**(spec or {}), **fields}
        steps = asking.submit(job_type, wanted, data, public=public, name=name, policy=policy)
        return Job(self, self._driver.take(steps))

    def map(
        self, job_type: str, specs: Iterable[Mapping[str, Any]], *, data: Any = None, **further: Any
    ) -> Iterator[Output]:
        """A job for each spec, on one data set; their outputs, in order. All are posted at once."""
        there = data
        if data is not None and not isinstance(data, DataSet):
            known = isinstance(data, str) and data.startswith("data_")
            there = data if known else self.upload(data, public=further.get("public", True))
        jobs = [self.submit(job_type, spec, data=there, **further) for spec in specs]
        return (job.result(progress=False) for job in jobs)

    def job(self, job_id: str) -> Job:
        """A job that is there."""
        return Job(self, self._driver.take(asking.show(job_id)))

    def jobs(self, limit: int | None = None, **query: Any) -> list[View]:
        """The jobs that the token may see, newest first."""
        return self._driver.take(asking.listed("jobs", limit, **query))

    def datasets(self, limit: int | None = None) -> list[View]:
        """The data sets that the token may see, newest first."""
        return self._driver.take(asking.listed("datasets", limit))

    def job_types(self) -> list[View]:
        """The job types that may be used."""
        return self._driver.take(asking.listed("job-types"))


class Job:
    """A job, with the methods of `concurrent.futures.Future`."""

    def __init__(self, grid: Grid, view: View) -> None:
        self._grid, self.view = grid, view

    @property
    def id(self) -> str:
        """By which everybody names it."""
        return str(self.view["id"])

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._grid.url}{self.view['_links']['page']['href']}"

    def refresh(self) -> View:
        """How it is now."""
        self.view = self._grid.take(asking.show(self.id))
        return self.view

    def result(self, timeout: float | None = None, *, progress: bool | None = None) -> Output:
        """Its output, once there is one. A bar shows how far it is: in terminals and notebooks
        unless `progress` says otherwise. Raises JobFailed, JobCancelled, and TimedOut after
        `timeout` seconds."""
        with Bar(progress) as bar:
            return self._grid.take(asking.result(self.id, timeout, self._kept(bar.seen)))

    def exception(self, timeout: float | None = None) -> GridError | None:
        """What it failed of; None for a job that has an output. Raises TimedOut."""
        return self.follow(timeout, progress=False)

    def follow(
        self, timeout: float | None = None, *, progress: bool | None = None
    ) -> GridError | None:
        """As `exception`, with a bar as `result` has it."""
        with Bar(progress) as bar:
            view = self._grid.take(asking.ended(self.id, timeout, self._kept(bar.seen)))
        try:
            asking.refuse(view)
        except GridError as error:
            return error
        return None

    def _kept(self, seen: Seen) -> Seen:
        def keep(view: View) -> None:
            self.view = view
            seen(view)

        return keep

    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.refresh()["state"] not in OPEN

    def running(self) -> bool:
        """Whether it is being computed."""
        return bool(self.refresh()["state"] == "active")

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return bool(self.refresh()["state"] == "cancelled")

    def cancel(self) -> bool:
        """Cancel it for good; False when it has ended already."""
        return self._moved("cancel")

    def pause(self) -> bool:
        """Have nothing of it computed until it is resumed; False when it has ended."""
        return self._moved("pause")

    def resume(self) -> bool:
        """Go on with it; False when it has ended."""
        return self._moved("resume")

    def _moved(self, verb: str) -> bool:
        if self.done():
            return False
        self.view = self._grid.take(asking.move(self.id, verb))
        return True

    def output(self, kind: str = "csv") -> bytes:
        """Its output as bytes of a format: `csv`, `json`, or one of its job type's."""
        return self._grid.take(asking.output(self.id, kind))

    def __rich__(self) -> Text:
        return line(self.view)

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.view['name']!r}: {self.view['state']}>"

    def _repr_html_(self) -> str:
        return html(self.view, self._grid.url)


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """Jobs as they end, those that fail too; raises TimedOut after `timeout` seconds."""
    waiting = list(jobs)
    if not waiting:
        return
    with ThreadPoolExecutor(min(len(waiting), WAITED_MAX)) as pool:
        left = {pool.submit(job.exception, timeout): job for job in waiting}
        while left:
            ended, _ = wait(left, return_when=FIRST_COMPLETED)
            for one in ended:
                one.result()
                yield left.pop(one)
