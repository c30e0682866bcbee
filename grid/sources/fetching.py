"""This file is where bytes are fetched from other servers, within the bounds of the guard.

A name is looked up once for a connection, what it stands for is checked, and that very address is
connected to: who answers differently a moment later is not asked a second time.
"""

from __future__ import annotations

import asyncio
import ftplib
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import unquote, urljoin

import httpcore

from grid.sources.error import SourceError, TooLarge
from grid.sources.guard import FIELD, Guard, Target

#: Somebody who moves a file once or twice is common; a longer chain is a loop, or a trick.
REDIRECTS_MAX = 5
CONNECT_S, READ_S = 10.0, 30.0
PIECE_BYTES = 1 << 16
USER_AGENT = "grid-compute (data set source)"

#: Host and port → addresses.
Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine knows them."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceError(FIELD, f"{host} cannot be found") from error
    return [str(one[4][0]) for one in found]


async def fetch(
    url: str, guard: Guard, bytes_max: int, limit_s: float, resolved_by: Resolve = resolve
) -> AsyncIterator[bytes]:
    """The bytes behind a URL, a piece at a time.

    Raises SourceError("/source") for what the guard refuses, does not answer, or answers with
    anything but the file; TooLarge past `bytes_max`. All of it must come within `limit_s`.
    """
    deadline = asyncio.get_running_loop().time() + limit_s
    target = guard.target(url)
    ftp = target.scheme in ("ftp", "ftps")
    pieces = (_over_ftp if ftp else _over_http)(url, target, guard, bytes_max, resolved_by)
    total = 0
    try:
        while True:
            async with asyncio.timeout_at(deadline):
                piece = await anext(pieces, None)
            if piece is None:
                return
            total += len(piece)
            if total > bytes_max:
                raise TooLarge(FIELD, f"more than {bytes_max:,} bytes")
            yield piece
    except TimeoutError as error:
        raise SourceError(FIELD, f"it did not come within {limit_s:g} s") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        said = str(error) or type(error).__name__
        raise SourceError(FIELD, f"{target.host} does not answer: {said}") from error
    finally:
        await pieces.aclose()


async def _over_http(
    url: str, target: Target, guard: Guard, bytes_max: int, resolved_by: Resolve
) -> AsyncGenerator[bytes]:
    backend = _Guarded(guard, resolved_by)
    async with httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        for _ in range(REDIRECTS_MAX + 1):
            async with pool.stream("GET", _spelled(target), **_asked(target)) as answer:
                place = _header(answer.headers, b"location")
                if answer.status in (301, 302, 303, 307, 308) and place is not None:
                    url = _moved(url, place)
                    target = guard.target(url)
                    if target.scheme not in ("http", "https"):
                        raise SourceError(FIELD, "a source moves from HTTP to HTTP only")
                    continue
                _check(answer, bytes_max)
                async for piece in answer.aiter_stream():
                    yield piece
                return
    raise SourceError(FIELD, f"more than {REDIRECTS_MAX} redirects")


def _moved(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise SourceError(FIELD, f"the source has moved to no URL: {error}") from error


def _spelled(target: Target) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )


def _asked(target: Target) -> dict[str, Any]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = {"Host": f"{host}:{target.port}", "User-Agent": USER_AGENT}
    # What comes packed could be unpacked to anything: it is asked for, and taken, as it is.
    headers |= {"Accept": "*/*", "Accept-Encoding": "identity"}
    limits = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": READ_S}
    return {"headers": list(headers.items()), "extensions": {"timeout": limits}}


def _check(answer: httpcore.Response, bytes_max: int) -> None:
    if answer.status != 200:
        raise SourceError(FIELD, f"the source answers {answer.status}")
    packed = _header(answer.headers, b"content-encoding")
    if packed not in (None, "identity"):
        raise SourceError(FIELD, f"the source sends {packed}, which is not taken")
    announced = _header(answer.headers, b"content-length") or "0"
    if announced.isdecimal() and int(announced[:20]) > bytes_max:
        raise TooLarge(FIELD, f"more than {bytes_max:,} bytes")


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    found = [text for key, text in headers if key.lower() == name]
    return found[0].decode("latin-1") if found else None


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to what the guard allows, at the address that it has seen."""

    def __init__(self, guard: Guard, resolved_by: Resolve) -> None:
        self._guard, self._resolve = guard, resolved_by
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        address = self._guard.checked(host, await self._resolve(host, port))
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise SourceError(FIELD, "a socket on this machine is no source")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _over_ftp(
    _url: str, target: Target, guard: Guard, _bytes_max: int, resolved_by: Resolve
) -> AsyncGenerator[bytes]:
    address = guard.checked(target.host, await resolved_by(target.host, target.port))
    # Nothing secret is sent, and what comes is data that anybody may look through.
    client = _FtpTls(target.host) if target.scheme == "ftps" else ftplib.FTP()  # noqa: S321
    path = unquote(target.path.partition("?")[0])
    if not path.isprintable():
        raise SourceError(FIELD, "the path of a file is wanted")
    try:
        await asyncio.to_thread(client.connect, address, target.port, CONNECT_S)
        await asyncio.to_thread(client.login)
        await asyncio.to_thread(client.voidcmd, "TYPE I")
        line = await asyncio.to_thread(client.transfercmd, f"RETR {path}")
        with line:
            line.settimeout(READ_S)
            while piece := await asyncio.to_thread(line.recv, PIECE_BYTES):
                yield piece
        await asyncio.to_thread(client.voidresp)
    except (ftplib.Error, OSError, EOFError) as error:
        raise SourceError(FIELD, f"{target.host} does not give it: {error}") from error
    finally:
        client.close()


class _FtpTls(ftplib.FTP_TLS):
    """FTP over TLS, whose certificate is the name's, although its address is connected to."""

    def __init__(self, name: str) -> None:
        super().__init__(context=ssl.create_default_context())
        self._name = name

    def connect(self, *given: Any, **named: Any) -> str:
        said = super().connect(*given, **named)
        self.host = self._name
        return said

    def login(self, *given: Any, **named: Any) -> str:
        said = super().login(*given, **named)
        self.prot_p()
        return said

    def makepasv(self) -> tuple[str, int]:
        _, port = super().makepasv()
        assert self.sock is not None
        return self.sock.getpeername()[0], port
