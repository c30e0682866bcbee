"""This file is where a headless volunteer speaks HTTP with the server."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urljoin

import httpx
import msgspec

from grid import canonical
from grid.items import Json
from grid.volunteer.events import Event, Said, Tell
from grid.volunteer.keys import HostKey
from grid.volunteer.messages import (
    PROTOCOL,
    Identity,
    Known,
    Lease,
    Problem,
    Report,
    WorkAnswer,
)
from grid.volunteer.state import Kept, Place
from grid.volunteer.witness import Seen, Witness

T = TypeVar("T")

NOTHING: Mapping[str, Json] = {}

#: A request that takes longer is given up; the slowest honest one is a chunk over a poor line.
REQUEST_LIMIT_S = 60.0


#: A bundle of 256 leaves is what is longest of a log.
LOG_BYTES_MAX = 17 << 20


class Failure(Exception):
    """A request brought nothing; `retry_after_s` is what the server asked for, if anything."""

    def __init__(self, message: str, code: int | None = None, retry_after_s: float = 0) -> None:
        self.code, self.retry_after_s = code, retry_after_s
        super().__init__(message)


class Unwelcome(Exception):
    """No retry helps: another protocol, or a trusted-host token that the server does not know."""


class Client:
    """One host's talk with one server; any number of threads may share it."""

    def __init__(
        self,
        server: str,
        *,
        engine: str,
        capabilities: dict[str, Json],
        token: str | None = None,
        place: Place | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        """`place` is where it is kept which host this is; in memory when not given."""
        self._place, self._tell = place or Place(), tell
        self._base = server.rstrip("/") + "/"
        self._machine: dict[str, Json] = {"engine": engine, "capabilities": capabilities}
        self._trusted = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(timeout=REQUEST_LIMIT_S)
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._key = HostKey.fresh()
        kept = self._place.kept
        self.witness = Witness(self._text, None if kept is None else kept.seen, self._remember)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def identity(self) -> Identity:
        """Who we are to the server; enrols at the first call. Raises Failure, Unwelcome."""
        with self._lock:
            if self._identity is None:
                self._identity = self._come_back() or self._enrol()
                self._tell(Said(event=Event.ENROLLED, host=self._identity.host_id))
            return self._identity

    def signed(self, report: Report) -> Report:
        """The report as this host says it."""
        return self._key.signed(report)

    def _come_back(self) -> Identity | None:
        """Who we were, if the server still knows us."""
        kept = self._place.kept
        if kept is None or kept.identity is None:
            return None
        headers = {"Authorization": f"Bearer {kept.identity.token}"}
        try:
            url = self._base + "api/v1/hosts/me"
            known = self._send("PUT", url, self._machine, Known, headers)
        except Failure as failure:
            if failure.code in (401, 403, 404):
                self._place.forget()
                return None
            raise
        self._key = HostKey(bytes.fromhex(kept.seed))
        return Identity(known.host_id, kept.identity.token, known.heartbeat_s)

    def _enrol(self) -> Identity:
        body = {"protocol": PROTOCOL, "kind": "headless", **self._machine}
        key = HostKey.fresh()
        body["public_key"] = key.public_key
        try:
            url = self._base + "api/v1/hosts"
            identity = self._send("POST", url, body, Identity, self._trusted)
        except Failure as failure:
            if failure.code in (400, 401, 403, 404, 409, 422):
                raise Unwelcome(str(failure)) from failure
            raise
        self._key = key
        seen = None if self._place.kept is None else self._place.kept.seen
        self._place.keep(Kept(identity=identity, seed=key.seed.hex(), seen=seen))
        return identity

    def _remember(self, seen: Seen) -> None:
        kept = self._place.kept
        if kept is not None:
            self._place.keep(msgspec.structs.replace(kept, seen=seen))

    def _text(self, path: str) -> bytes:
        """What is at a path of the server's log; raises Failure."""
        data = bytearray()
        try:
            with self._http.stream("GET", self._base + path) as response:
                if not response.is_success:
                    response.read()
                    raise _failure(response)
                for part in response.iter_bytes():
                    data += part
                    if len(data) > LOG_BYTES_MAX:
                        raise Failure(f"{path} is too long", code=413)
        except httpx.HTTPError as error:
            raise Failure(_words(error)) from error
        return bytes(data)

    def work(
        self,
        reports: Sequence[Report],
        renew: Sequence[Lease],
        want: int,
        token: str,
        further: Mapping[str, Json] = NOTHING,
    ) -> WorkAnswer:
        """Report, renew and ask in one request; raises Failure, Unwelcome.

        `further` holds the request's other fields. A token the server knows no longer is forgotten,
        so that the next `identity` is a new one.
        """
        body = {"protocol": PROTOCOL, "token": token, "want": want}
        body |= {"reports": list(reports), "renew": list(renew), **further}
        try:
            return self._send("POST", self._base + "api/v1/work", body, WorkAnswer, {})
        except Failure as failure:
            if failure.code == 409:
                raise Unwelcome(str(failure)) from failure
            if failure.code == 401:
                self._forget(token)
            raise

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._identity is not None and self._identity.token == token:
                self._identity = None
                self._place.forget()

    def blob(self, url: str, digest: str, length: int) -> bytes:
        """The bytes of that digest and length; raises Failure when others come."""
        data, whole = bytearray(), httpx.URL(urljoin(self._base, url))
        base = httpx.URL(self._base)
        if (whole.scheme, whole.host, whole.port) != (base.scheme, base.host, base.port):
            raise Failure(f"{url} is not this server's", code=403)
        try:
            with self._http.stream("GET", whole) as response:
                if not response.is_success:
                    response.read()
                    raise _failure(response)
                for part in response.iter_bytes():
                    data += part
                    if len(data) > length:
                        break
        except httpx.HTTPError as error:
            raise Failure(_words(error)) from error
        if len(data) != length or canonical.digest(bytes(data)) != digest:
            raise Failure(f"{url} brought other bytes than those of {digest}")
        return bytes(data)

    def put_output(self, token: str, lease: Lease, output: bytes) -> str:
        """Put an output that is too large for its report; its digest. Raises Failure."""
        digest = canonical.digest(output)
        headers = {
            "Content-Type": "application/octet-stream",
            "Authorization": f"Bearer {token}",
            "Grid-Lease": lease.lease,
        }
        url = f"{self._base}api/v1/results/{lease.result_id}/outputs/{digest}"
        try:
            response = self._http.put(url, content=output, headers=headers)
        except httpx.HTTPError as error:
            raise Failure(_words(error)) from error
        if not response.is_success:
            raise _failure(response)
        return digest

    def _send(self, method: str, url: str, body: Json, kind: type[T], headers: dict[str, str]) -> T:
        headers, content = (
            {"Content-Type": "application/json", **headers},
            msgspec.json.encode(body),
        )
        try:
            response = self._http.request(method, url, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise Failure(_words(error)) from error
        if not response.is_success:
            raise _failure(response)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as error:
            raise Failure(f"the server's answer is not understood: {error}") from error


def _failure(response: httpx.Response) -> Failure:
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    words = problem.detail or problem.title or f"the server answered {response.status_code}"
    try:
        after_s = float(response.headers.get("Retry-After", "0"))
    except ValueError:
        after_s = 0
    return Failure(words, response.status_code, after_s)


def _words(error: httpx.HTTPError) -> str:
    return f"the server cannot be reached: {str(error) or type(error).__name__}"
