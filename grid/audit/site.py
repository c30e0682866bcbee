"""This file is where a server is read over HTTP: its log's files, and the bundles of its jobs."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from grid.audit.faults import Broken, Unchecked, Unreadable
from grid.auditlog import notes
from grid.auditlog.notes import BadNote, Key
from grid.auditlog.tiles import WIDTH, Tile

TIMEOUT_S = 60.0
#: A full bundle of the longest leaves; nothing else that is read whole is as large.
BYTES_MAX = 256 * (65_535 + 2)
#: A leaderboard lists ten thousand.
LEADERBOARD_PAGES_MAX = 50


class Site:
    """One server, and how many bytes it was asked for."""

    def __init__(self, url: str, http: httpx.Client | None = None) -> None:
        """`http` is a client of one's own, with other limits or behind a proxy."""
        self.url = url.rstrip("/")
        self._http = http or httpx.Client(trust_env=False, timeout=TIMEOUT_S, follow_redirects=True)
        self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def checkpoint(self) -> str:
        """The newest checkpoint as it is served; raises Unreadable."""
        return self._get("/log/checkpoint").decode("utf-8", "replace")

    def witnessed(self) -> str | None:
        """The newest checkpoint that enough witnesses of the server's own choice cosigned; None
        when there is none. Raises Unreadable."""
        answer = self._ask("/log/witnessed")
        return None if answer.status_code == 404 else answer.content.decode("utf-8", "replace")

    def keys(self) -> list[Key]:
        """The keys that the server names; raises Unreadable."""
        try:
            lines = self._get("/log/keys").decode("utf-8").split("\n")
            return [notes.key(line) for line in lines if line]
        except (BadNote, UnicodeDecodeError) as error:
            raise Unreadable(f"{self.url}/log/keys names no keys: {error}") from error

    def tile(self, tile: Tile) -> bytes:
        """A file of the log; raises Broken where there is none, though the tree has it."""
        path = f"/log/tile/{tile.path}"
        answer = self._ask(path)
        if answer.status_code == 404 and tile.width < WIDTH:
            # The log may have grown since: the full tile begins like its partial ones.
            answer = self._ask(f"/log/tile/{Tile(tile.level, tile.index).path}")
        if answer.status_code != 200:
            raise Broken(f"{path} is part of the tree and cannot be had: {answer.status_code}")
        return answer.content

    def credit(self) -> int:
        """Millionths of a credit that all volunteers are shown to have; raises Broken, or
        Unchecked where there are more of them than are listed."""
        total, path, pages = 0, "/api/v1/leaderboard?limit=200", 0
        while path:
            try:
                page = json.loads(self._get(path))
                total += sum(int(one["credit_micro"]) for one in page["items"])
                path = page["_links"].get("next", {}).get("href", "")
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Broken(f"the leaderboard is none: {error!r}") from error
            pages += 1
            if pages > LEADERBOARD_PAGES_MAX:
                raise Unchecked("there are more volunteers than the leaderboard lists")
        return total

    def bundle(self, job: str, path: Path) -> None:
        """Write a job's bundle to `path`; raises Broken, or Unchecked where there is none."""
        where = f"{self.url}/api/v1/jobs/{job}/bundle"
        try:
            with self._http.stream("GET", where) as answer, path.open("wb") as file:
                if answer.status_code == 409:
                    answer.read()
                    raise Unchecked(str(answer.json().get("detail", "it has no bundle")))
                if answer.status_code != 200:
                    raise Broken(f"the log tells of it, and {where} answers {answer.status_code}")
                for piece in answer.iter_bytes():
                    self.bytes += len(piece)
                    file.write(piece)
        except (httpx.HTTPError, ValueError) as error:
            raise Broken(f"{where} breaks off: {error}") from error

    def _get(self, path: str) -> bytes:
        answer = self._ask(path)
        if answer.status_code != 200:
            raise Unreadable(
                f"{self.url}{path} answers {answer.status_code}: no grid's log is there"
            )
        return answer.content

    def _ask(self, path: str) -> httpx.Response:
        try:
            with self._http.stream("GET", self.url + path) as answer:
                size = 0
                pieces = []
                for piece in answer.iter_bytes():
                    size += len(piece)
                    if size > BYTES_MAX:
                        raise Broken(f"{path} has more than {BYTES_MAX:,} bytes")
                    pieces.append(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreadable(f"{self.url}{path}: {error}") from error
        self.bytes += size
        return httpx.Response(answer.status_code, content=b"".join(pieces))
