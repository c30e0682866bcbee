"""This file is where it is tried to have the server ask what only it can reach."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from grid.settings import Settings, SettingsError, from_environment
from grid.sources.error import SourceError, TooLarge
from grid.sources.fetching import Resolve, fetch
from grid.sources.guard import Guard

ANY = Guard(hosts=("*",))
TABLE = b"a,b\n1,2\n"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://example.org/", "dict://example.org:11211/", "",
        "example.org",
        "http:///x", "http://user:secret@example.org/", "http://example.org:99999/",
        "http://example.org:22/", "https://example.org:80/", "http://example.org/\r\nHost: x",
        "http://example.org\\@elsewhere.example/", "http://exämple.org/", "http://a b/",
        "jar:http://example.org/!/", "//example.org/x", "http://[::1", "http://" + "a" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_plain_url_of_a_source_is_refused(url: str) -> None:
    with pytest.raises(SourceError) as refused:
        ANY.target(url)
    assert refused.value.field == "/source"


@pytest.mark.parametrize(
    ("hosts", "url", "allowed"),
    [
        ((), "https://example.org/", False),
        (("example.org",), "https://example.org/a.csv?x=1", True),
        (("example.org",), "https://EXAMPLE.org./a.csv", True),
        (("example.org",), "https://sub.example.org/", False),
        (("example.org",), "https://example.org.elsewhere.example/", False),
        (("example.org",), "https://notexample.org/", False),
        (("*.example.org",), "https://a.b.example.org/", True),
        (("*.example.org",), "https://example.org/", False),
        (("*.example.org",), "https://fakeexample.org/", False),
        (("example.org:8443",), "https://example.org:8443/", True),
        (("example.org:8443",), "https://example.org/", False),
        (("*",), "ftp://anything.example/x", True),
    ],
)
def test_only_listed_hosts_are_sources(hosts: tuple[str, ...], url: str, allowed: bool) -> None:
    guard = Guard(hosts=hosts)
    if allowed:
        assert guard.target(url).path.startswith("/")
        return
    with pytest.raises(SourceError, match="is no source that this server uses"):
        guard.target(url)


INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_of_a_network_of_its_own_is_asked(address: str) -> None:
    with pytest.raises(SourceError, match="does not ask"):
        ANY.checked("example.org", [address])
    with pytest.raises(SourceError, match="does not ask"):
        ANY.checked("example.org", ["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_asked_and_private_ones_where_they_are_listed(address: str) -> None:
    assert ANY.checked("example.org", [address]) == address
    lab = Guard(hosts=("*",), networks=("10.1.0.0/16", "::1/128"))
    assert lab.checked("lab", ["10.1.2.3"]) == "10.1.2.3"
    for other in ("10.2.0.1", "127.0.0.1", "fc00::1"):
        with pytest.raises(SourceError):
            lab.checked("lab", [other])


@pytest.mark.parametrize(
    ("variable", "text"),
    [("GRID_SOURCE_HOSTS", "http://x/"), ("GRID_SOURCE_HOSTS", "a:b"),
     ("GRID_SOURCE_NETWORKS", "10.0.0.1/8"), ("GRID_SOURCE_NETWORKS", "everything")],
)  # fmt: skip
def test_a_wrong_rule_stops_the_server_by_name(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        from_environment({variable: text})
    found = from_environment({"GRID_SOURCE_HOSTS": "a.example, *.b.example:81"})
    assert found.source_hosts == ("a.example", "*.b.example:81")
    assert Settings().source_hosts == ()


class _Site(BaseHTTPRequestHandler):
    """A source, and what may go wrong with one."""

    def do_GET(self) -> None:
        answers = {
            "/table.csv": (200, {}, TABLE),
            "/moved": (302, {"Location": "/table.csv"}, b""),
            "/inside": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
            "/elsewhere": (302, {"Location": "http://elsewhere.example/"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/ftp": (302, {"Location": f"ftp://source.example:{self.port}/table.csv"}, b""),
            "/broken": (302, {"Location": "http://[broken/"}, b""),
            "/again": (302, {"Location": "/again"}, b""),
            "/rebound": (302, {"Location": f"http://rebinding.example:{self.port}/table.csv"}, b""),
            "/packed": (200, {"Content-Encoding": "gzip"}, b"x"),
            "/large": (200, {}, b"x" * 5_000),
            "/gone": (404, {}, b"no"),
        }
        code, headers, body = answers[self.path]
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.path != "/large":  # which does not say how large it is
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def names(*addresses: str) -> Resolve:
    """What a name stands for, which is something else each time until the last."""
    left = list(addresses)

    async def resolved(_host: str, _port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolved


def fetched(url: str, guard: Guard, by: Resolve, bytes_max: int = 1_000) -> bytes:
    async def read() -> bytes:
        return b"".join([one async for one in fetch(url, guard, bytes_max, 20, by)])

    return asyncio.run(read())


def own(port: int, *further: str) -> Guard:
    hosts = (f"source.example:{port}", f"rebinding.example:{port}", *further)
    return Guard(hosts=hosts, networks=("127.0.0.1/32",))


@pytest.mark.parametrize("path", ["/table.csv", "/moved"])
def test_a_table_is_fetched_and_followed_where_it_moved(port: int, path: str) -> None:
    url = f"http://source.example:{port}{path}"
    assert fetched(url, own(port), names("127.0.0.1")) == TABLE


@pytest.mark.parametrize(
    ("path", "why"),
    [("/inside", "is no source"), ("/elsewhere", "is no source"), ("/file", "begins with one of"),
     ("/ftp", "from HTTP to HTTP only"), ("/broken", "no URL"),
     ("/again", "more than 5 redirects"), ("/packed", "sends gzip"), ("/gone", "answers 404")],
)  # fmt: skip
def test_each_redirect_is_asked_about_again(port: int, path: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        fetched(f"http://source.example:{port}{path}", own(port), names("127.0.0.1"))


def test_a_redirect_to_the_inside_is_refused_where_every_host_is_a_source(port: int) -> None:
    guard = Guard(hosts=("*", f"source.example:{port}"), networks=("127.0.0.1/32",))

    async def resolved(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "source.example" else [host]

    with pytest.raises(SourceError, match="does not ask"):
        fetched(f"http://source.example:{port}/inside", guard, resolved)


def test_a_name_that_stands_for_something_else_a_moment_later_is_refused(port: int) -> None:
    """The address that was checked is the one that is connected to: nothing is looked up twice."""
    asked: list[str] = []

    async def resolved(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    url = f"http://source.example:{port}"
    assert fetched(f"{url}/table.csv", own(port), resolved) == TABLE
    assert asked == ["source.example"]
    asked.clear()
    with pytest.raises(SourceError, match=r"rebinding\.example is in a network"):
        fetched(f"{url}/rebound", own(port), resolved)


def test_numbers_that_mean_an_address_are_addresses(port: int) -> None:
    for host in ("2130706433", "0x7f000001", "127.1", "localhost", "[::1]"):
        guard = Guard(hosts=("*", f"*:{port}"))
        with pytest.raises(SourceError):
            asyncio.run(_first(f"http://{host}:{port}/table.csv", guard))


async def _first(url: str, guard: Guard) -> bytes | None:
    return await anext(fetch(url, guard, 1_000, 20), None)


def test_what_grows_too_large_or_takes_too_long_is_let_go(port: int) -> None:
    url = f"http://source.example:{port}"
    with pytest.raises(TooLarge):
        fetched(f"{url}/large", own(port), names("127.0.0.1"))
    with pytest.raises(TooLarge):
        fetched(f"{url}/table.csv", own(port), names("127.0.0.1"), bytes_max=3)

    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async def hurried() -> None:
        async for _ in fetch(f"{url}/table.csv", own(port), 1_000, 0.05, never):
            pass

    with pytest.raises(SourceError, match="did not come within"):
        asyncio.run(hurried())
    closed = Guard(hosts=("source.example:9",), networks=("127.0.0.1/32",))
    with pytest.raises(SourceError, match="does not answer"):
        fetched("http://source.example:9/", closed, names("127.0.0.1"))


@contextmanager
def ftp_site() -> Iterator[int]:
    """As much of an FTP server as gives one file to anybody."""
    control = socket.create_server(("127.0.0.1", 0))
    data = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = control.accept()
        with line, line.makefile("r", encoding="ascii") as asked:
            line.sendall(b"220 here\r\n")
            for said in asked:
                word = said.split()[0].upper()
                if word == "EPSV":
                    line.sendall(b"229 (|||%d|)\r\n" % data.getsockname()[1])
                elif word == "PASV":
                    high, low = divmod(data.getsockname()[1], 256)
                    # Whoever believed this would be led inside.
                    line.sendall(b"227 (10,0,0,1,%d,%d)\r\n" % (high, low))
                elif word == "RETR":
                    line.sendall(b"150 it comes\r\n")
                    sent, _ = data.accept()
                    with sent:
                        sent.sendall(TABLE)
                    line.sendall(b"226 done\r\n")
                    return
                else:
                    line.sendall(b"230 fine\r\n" if word in ("USER", "PASS") else b"200 fine\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(control.getsockname()[1])
    finally:
        thread.join()
        control.close()
        data.close()


def test_a_table_is_fetched_over_ftp_from_where_it_was_asked_and_nowhere_else() -> None:
    with ftp_site() as port:
        guard = Guard(hosts=(f"ftp.example:{port}",), networks=("127.0.0.1/32",))
        assert fetched(f"ftp://ftp.example:{port}/t.csv", guard, names("127.0.0.1")) == TABLE


def test_no_line_is_put_into_an_ftp_command() -> None:
    guard = Guard(hosts=("ftp.example",), networks=("127.0.0.1/32",))
    with pytest.raises(SourceError, match="the path of a file"):
        fetched("ftp://ftp.example/a%0d%0aDELE%20b", guard, names("127.0.0.1"))
