"""This file is where requesters write asyncio: the same as `Grid`, awaited."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from grid.client import asking
from grid.client.asking import OPEN, DataSet, View
from grid.client.blocking import TRIES
from grid.client.outputs import Output
from grid.client.showing import Bar
from grid.client.steps import AsyncDriver


class AsyncGrid:
    """One server; `async with AsyncGrid(url, token) as grid:` ends its connections."""

    def __init__(
        self, url: str, token: str | None = None, *, tries: int = TRIES, **transport: Any
    ) -> None:
        self.url = url.rstrip("/")
        self._driver = AsyncDriver(self.url, token, tries, **transport)

    async def __aenter__(self) -> AsyncGrid:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End its connections; jobs go on."""
        await self._driver.close()

    async def upload(
        self, data: Any, name: str | None = None, *, public: bool = True, **options: Any
    ) -> DataSet:
        """As `Grid.upload`."""
        return await self._driver.take(asking.upload(data, name, public, **options))

    async def submit(
        self,
        job_type: str,
        spec: Mapping[str, Any] | None = None,
        *,
        data: Any = None,
        public: bool = True,
        name: str | None = None,
        policy: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> AsyncJob:
        """As `Grid.submit`."""
        wanted = {**(spec or {}), **fields}
        steps = asking.submit(job_type, wanted, data, public=public, name=name, policy=policy)
        return AsyncJob(self, await self._driver.take(steps))

    async def job(self, job_id: str) -> AsyncJob:
        """A job that is there."""
        return AsyncJob(self, await self._driver.take(asking.show(job_id)))

    async def jobs(self, limit: int | None = None, **query: Any) -> list[View]:
        """As `Grid.jobs`."""
        return await self._driver.take(asking.listed("jobs", limit, **query))


class AsyncJob:
    """A job that may be awaited: `await job` is its output."""

    def __init__(self, grid: AsyncGrid, view: View) -> None:
        self._grid, self.view = grid, view

    @property
    def id(self) -> str:
        """By which everybody names it."""
        return str(self.view["id"])

    async def result(self, timeout: float | None = None, *, progress: bool = False) -> Output:
        """As `Job.result`, without a bar unless it is asked for."""
        with Bar(progress) as bar:
            return await self._grid._driver.take(asking.result(self.id, timeout, bar.seen))

    def __await__(self) -> Any:
        return self.result().__await__()

    async def done(self) -> bool:
        """Whether it has ended, one way or another."""
        self.view = await self._grid._driver.take(asking.show(self.id))
        return self.view["state"] not in OPEN

    async def cancel(self) -> bool:
        """Cancel it for good; False when it has ended already."""
        if await self.done():
            return False
        self.view = await self._grid._driver.take(asking.move(self.id, "cancel"))
        return True

    async def output(self, kind: str = "csv") -> bytes:
        """As `Job.output`."""
        return await self._grid._driver.take(asking.output(self.id, kind))
