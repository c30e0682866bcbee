"""This file is where the demonstration speaks to the server, as any requester would: over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import httpx

from demo.processes import Failed

#: Bytes of an upload sent at a time.
PIECE_BYTES = 256 * 1024
#: Ingest of the largest table takes seconds; a slow machine gets a minute of them.
TIMEOUT_S = 120


class Api:
    """The JSON API at `url`, with a requester's token."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def upload(self, name: str, file: IO[bytes], null: str) -> dict[str, Any]:
        """Stream a CSV file with a header; the data set."""
        return self._json(
            "POST",
            "datasets",
            params={"name": name, "header": "true", "null": null, "public": "true"},
            headers={"Content-Type": "text/csv"},
            content=_pieces(file),
        )

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Post a job; the job."""
        return self._json("POST", "jobs", json=body)

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        return self._json("GET", f"jobs/{job_id}")

    def banned(self) -> list[dict[str, Any]]:
        """Volunteers that were caught."""
        found = self._json("GET", "admin/volunteers", params={"banned": "true"})
        items: list[dict[str, Any]] = found["items"]
        return items

    def download(self, job_id: str, path: Path) -> None:
        """Write the job's output to `path` as CSV."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            self._client.stream("GET", f"jobs/{job_id}/output", params={"format": "csv"}) as answer,
            path.open("wb") as file,
        ):
            if answer.is_error:
                answer.read()
                _refuse(answer)
            for piece in answer.iter_bytes():
                file.write(piece)

    def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer = self._client.request(method, path, **request)
        if answer.is_error:
            _refuse(answer)
        value: dict[str, Any] = answer.json()
        return value


def answers(url: str) -> bool:
    """Whether a server is ready at `url`."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _refuse(answer: httpx.Response) -> None:
    request = answer.request
    raise Failed(f"{request.method} {request.url} → {answer.status_code}: {answer.text[:2000]}")
