"""This file is where a headless host is shown to lose nothing and to lie never."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from fake_server import FakeServer, Unit, running

from grid import canonical
from grid.engines import Computation, EngineLost, ProgramFailed, TimeLimit
from grid.volunteer import client as client_module
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client, Failure, Unwelcome
from grid.volunteer.events import Said
from grid.volunteer.host import Host, Leaving

PROGRAM = "(function () { return 1; })"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


@pytest.fixture
def told() -> list[str]:
    """What the host said to people."""
    return []


@pytest.fixture
def make_host(
    server: FakeServer, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Host]]:
    """Hosts that wait no longer than they must."""
    monkeypatch.setattr("grid.volunteer.host.pause_s", lambda failures, toss, asked_s: 0.01)
    clients = []

    def make(
        compute: Callable[[Computation], bytes] = lambda job: canonical.dumps(job.params),
        leaving: Leaving | None = None,
        token: str | None = None,
    ) -> Host:
        clients.append(Client(server.url, engine="test/1", capabilities={"cores": 1}, token=token))
        leaving = leaving or Leaving()
        return Host(clients[-1], compute, BlobCache(), leaving, lambda said: told.append(said.text))

    yield make
    for client in clients:
        client.close()


def test_a_host_computes_until_there_is_no_work(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    units = [server.add(Unit(PROGRAM, params={"n": n})) for n in range(5)]
    make_host().run(once=True)
    assert [unit.output for unit in units] == [b'{"n":%d}' % n for n in range(5)]
    assert len(server.hosts) == 1
    # Each report came with the next question: five assignments and one that found nothing.
    assert [len(one["reports"]) for one in server.requests] == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "error", [ProgramFailed("out of cheese"), TimeLimit("too slow"), EngineLost("out of memory")]
)
def test_what_fails_is_reported_as_an_error(
    server: FakeServer, make_host: Callable[..., Host], error: Exception
) -> None:
    def fail(job: Computation) -> bytes:
        raise error

    unit = server.add(Unit(PROGRAM))
    make_host(fail).run(once=True)
    (report,) = unit.reports
    assert report["outcome"] == "error"
    assert report["message"] == str(error)
    assert "output" not in report


def test_a_report_whose_receipt_was_lost_is_sent_again_unchanged(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    def compute(job: Computation) -> bytes:
        server.lose = 2
        return b"1"

    unit = server.add(Unit(PROGRAM))
    make_host(compute).run(once=True)
    sent = [report for request in server.requests for report in request["reports"]]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2] == unit.reports[0]


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_server_in_trouble_is_asked_again(
    server: FakeServer, make_host: Callable[..., Host], code: int
) -> None:
    def compute(job: Computation) -> bytes:
        server.refuse = [code, code]
        return b"1"

    unit = server.add(Unit(PROGRAM))
    make_host(compute).run(once=True)
    assert unit.output == b"1"


def test_a_host_that_was_forgotten_enrols_again_and_drops_what_was_not_its_own(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    def compute(job: Computation) -> bytes:
        if job.params == 0:
            server.hosts.clear()
        return b"1"

    lost, kept = server.add(Unit(PROGRAM, params=0)), server.add(Unit(PROGRAM, params=1))
    make_host(compute).run(once=True)
    assert lost.reports == []
    assert kept.output == b"1"


def test_wrong_bytes_are_never_computed_and_the_result_is_given_back(
    server: FakeServer, make_host: Callable[..., Host], told: list[str]
) -> None:
    unit = server.add(Unit(PROGRAM, params=1))
    digest = canonical.digest(PROGRAM.encode())
    right = server.blobs[digest]
    server.blobs[digest] = right[:-1] + b"!"

    def compute(job: Computation) -> bytes:
        assert job.program == PROGRAM
        return b"1"

    def mend(said: Said) -> None:
        told.append(said.text)
        if "other bytes" in said.text:
            server.blobs[digest] = right

    host = make_host(compute)
    host._tell = mend
    host.run(once=True)
    outcomes = [one["outcome"] for request in server.requests for one in request["reports"]]
    assert outcomes == ["released", "success"]
    assert unit.output == b"1"


@pytest.mark.parametrize(("times", "outcomes"), [(2, ["success"]), (6, ["released", "success"])])
def test_an_input_that_cannot_be_had_for_a_moment_is_asked_for_again(
    server: FakeServer,
    make_host: Callable[..., Host],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    outcomes: list[str],
) -> None:
    unit = server.add(Unit(PROGRAM, params=1))
    whole, failures = Client.blob, iter(range(times))

    def flaky(client: Client, url: str, digest: str, length: int) -> bytes:
        if next(failures, None) is not None:
            raise Failure("the server is away")
        return whole(client, url, digest, length)

    monkeypatch.setattr(Client, "blob", flaky)
    make_host(lambda job: b"1").run(once=True)
    said = [one["outcome"] for request in server.requests for one in request["reports"]]
    assert said == outcomes
    assert unit.output == b"1"


def test_a_lease_is_renewed_while_it_computes_and_the_newest_one_reported(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    server.heartbeat_s = 0.05
    unit = server.add(Unit(PROGRAM))

    def compute(job: Computation) -> bytes:
        while len(server.renewed) < 3:
            threading.Event().wait(0.01)
        return b"1"

    make_host(compute).run(once=True)
    assert unit.output == b"1"
    assert unit.epoch >= 3


def test_a_result_that_was_taken_back_is_not_reported(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    server.heartbeat_s = 0.05
    unit = server.add(Unit(PROGRAM))
    server.take_back.add(unit.result_id)

    def compute(job: Computation) -> bytes:
        while not any(request["renew"] for request in server.requests):
            threading.Event().wait(0.01)
        threading.Event().wait(0.1)
        return b"1"

    make_host(compute).run(once=True)
    assert not any(request["reports"] for request in server.requests)


def test_leaving_gives_back_what_is_held(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    leaving = Leaving()
    unit = server.add(Unit(PROGRAM))

    def compute(job: Computation) -> bytes:
        leaving.at_once()
        raise EngineLost("closed")

    make_host(compute, leaving).run()
    assert unit.holder is None
    assert server.requests[-1]["want"] == 0
    assert [one["outcome"] for one in server.requests[-1]["reports"]] == ["released"]


def test_leaving_hands_in_what_is_finished(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    leaving = Leaving()
    unit = server.add(Unit(PROGRAM))

    def compute(job: Computation) -> bytes:
        leaving.soon.set()
        return b"1"

    make_host(compute, leaving).run()
    assert unit.output == b"1"


def test_a_server_of_another_protocol_is_left_alone(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    server.refuse = [409]
    with pytest.raises(Unwelcome, match="not now"):
        make_host().run()


def test_a_wrong_trusted_host_token_is_said_at_once(make_host: Callable[..., Host]) -> None:
    with pytest.raises(Unwelcome, match="unknown token"):
        make_host(token="wrong").run()


def test_an_answer_that_is_not_understood_is_a_failure(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "work", lambda body: (200, {"reports": 1}))
    client = Client(server.url, engine="test/1", capabilities={})
    with pytest.raises(client_module.Failure, match="not understood"):
        client.work((), (), 1, client.identity().token)
    client.close()


def test_a_server_that_is_not_there_is_a_failure() -> None:
    client = Client("http://127.0.0.1:9", engine="test/1", capabilities={})
    with pytest.raises(client_module.Failure, match="cannot be reached"):
        client.identity()
    client.close()


LARGE = canonical.dumps("A" * 70_000)


@pytest.mark.parametrize("trouble", [[], [503, 429]])
def test_a_large_output_is_put_and_its_report_names_it(
    server: FakeServer, make_host: Callable[..., Host], trouble: list[int]
) -> None:
    server.refuse_put = trouble
    unit = server.add(Unit(PROGRAM))
    make_host(lambda job: LARGE).run(once=True)
    digest = canonical.digest(LARGE)
    (report,) = unit.reports
    assert report["output_digest"] == digest and "output" not in report
    assert server.put == {(unit.result_id, digest): (unit.lease, LARGE)}


def test_a_large_output_that_is_refused_goes_back_unused(
    server: FakeServer, make_host: Callable[..., Host]
) -> None:
    server.refuse_put = [413]
    unit = server.add(Unit(PROGRAM))
    make_host(lambda job: LARGE).run(once=True)
    assert [one["outcome"] for one in server.requests[1]["reports"]] == ["released"]
    # It was offered again, as a real server offers it to others only.
    assert unit.reports[0]["output_digest"] == canonical.digest(LARGE)
