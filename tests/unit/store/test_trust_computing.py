"""This file is where the server computes work units itself, in real engines, and is doubted."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing

import pytest
from trust_home import Home
from world import rows

from grid.daemons import computing, trusted
from grid.daemons.computing import Machine
from grid.db import trusting
from grid.db.tables import OutboxRow, ResultRow
from grid.db.trusting import Computed
from grid.engines import EngineLost, ProgramFailed, TimeLimit
from grid.engines.known import make
from grid.items import Policy
from grid.states import JobState, Outcome, Purpose, ServerState, Support
from grid.validator.snapshot import Budget

REFERENCE = 'return {"rows": sum(len(chunk[columns[0].name]) for chunk in chunks)}'


@pytest.fixture
def home(tmp_path):
    one = Home(tmp_path / "grid", compute_time_limit_s=5, reference_time_limit_s=5)
    yield one
    one.close()


@pytest.fixture
def machine():
    with closing(Machine()) as one:
        yield one


def said(row: object) -> object:
    return json.loads(row.output)


def test_the_server_computes_what_waits_for_it_and_its_answer_decides(home, machine):
    home.open()
    job = home.real_job("tally", {}, [1, 2, 3], [4, 5])
    for ordinal in (0, 1):
        home.wants_run(job, ordinal)
    assert trusted.do_pass(home.store, home.time, machine) == 2
    assert [said(run) for run in home.runs(job)] == [{"rows": 3}, {"rows": 2}]
    assert {run.server_state for run in home.runs(job)} == {ServerState.OVER}
    assert {unit.support for unit in home.units(job)} == {Support.TRUSTED}
    assert trusted.do_pass(home.store, home.time, machine) == 0, "nothing waits any more"


def test_a_pass_without_a_machine_starts_one_and_ends_it(home):
    home.open()
    job = home.real_job("tally", {}, [1, 2])
    home.wants_run(job)
    assert trusted.do_pass(home.store, home.time) == 1
    assert said(home.runs(job)[0]) == {"rows": 2}


def test_nothing_is_started_while_nothing_waits(home, machine):
    home.open()
    home.real_job("tally", {}, [1, 2])
    assert trusted.do_pass(home.store, home.time, machine) == 0
    assert not machine._engines


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ('return {"rows": 7}', "program and its reference differ"),
        ('raise ValueError("no")', "reference fails"),
    ],
)
def test_where_program_and_reference_differ_the_job_is_frozen_without_a_verdict(
    home, machine, reference, why
):
    home.job_type("crooked", (REFERENCE, reference))
    home.open()
    job = home.real_job("crooked", {}, [1, 2], [3])
    home.wants_run(job)
    trusted.do_pass(home.store, home.time, machine)
    assert home.facts(job.id).job_state is JobState.PAUSED
    assert why in home.facts(job.id).frozen
    assert "crooked 1.0.0" in home.facts(job.id).frozen
    assert home.units(job)[0].canonical_result_id is None
    assert home.runs(job)[0].outcome == Outcome.CLIENT_ERROR
    told = [json.loads(row.facts) for row in rows(home.store, OutboxRow) if row.kind == "job"]
    assert (told[-1]["event"], why in told[-1]["because"]) == ("paused", True)
    assert not [row for row in rows(home.store, OutboxRow) if row.kind in ("verdict", "recheck")]
    home.wants_run(job, 1)
    assert trusted.do_pass(home.store, home.time, machine) == 0, "a paused job's runs wait"


class Second:
    """A second engine that answers as it is told."""

    name = "second"

    def __init__(self, answer):
        self.answer = answer

    def compute(self, job):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        """It has no child."""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b'{"rows":2}', ""),
        (b'{"rows":3}', "answers otherwise in a second engine, quickjs"),
        (ProgramFailed("no"), "fails in a second engine, quickjs"),
        (TimeLimit("too slow"), ""),
        (EngineLost("out of memory"), ""),
    ],
)
def test_a_second_engine_that_answers_otherwise_freezes_the_job(
    tmp_path, machine, monkeypatch, answer, why
):
    second = Second(answer)
    monkeypatch.setattr(computing, "make", lambda name: make(name) if name == "deno" else second)
    with closing(Home(tmp_path / "grid", second_engine="quickjs")) as home:
        home.open()
        job = home.real_job("tally", {}, [1, 2])
        home.wants_run(job)
        trusted.do_pass(home.store, home.time, machine)
        assert why in (home.facts(job.id).frozen or "")
        assert bool(home.facts(job.id).frozen) is bool(why)
        assert home.runs(job)[0].outcome == (Outcome.CLIENT_ERROR if why else Outcome.SUCCESS)


def test_a_second_engine_gives_the_first_ones_bytes(tmp_path, machine):
    with closing(Home(tmp_path / "grid", second_engine="quickjs")) as home:
        home.open()
        job = home.real_job("tally", {}, [1, 2])
        home.wants_run(job)
        trusted.do_pass(home.store, home.time, machine)
        assert said(home.runs(job)[0]) == {"rows": 2}
        assert set(machine._engines) == {"deno", "quickjs"}


def test_after_the_first_runs_the_reference_checks_only_what_the_seed_draws(
    home, machine, monkeypatch
):
    monkeypatch.setattr(computing, "REFERENCE_SHARE", 0.0)
    asked = []
    ask = Machine._ask
    monkeypatch.setattr(
        Machine, "_ask", lambda self, *given: asked.append(given) or ask(self, *given)
    )
    home.open()
    job = home.real_job("tally", {}, [1], [2], [3], [4])
    for ordinal in range(4):
        home.wants_run(job, ordinal)
    assert trusted.do_pass(home.store, home.time, machine) == 4
    assert len(asked) == computing.REFERENCE_FIRST
    monkeypatch.setattr(computing, "REFERENCE_SHARE", 1.0)
    more = home.real_job("tally", {}, [1], [2], [3])
    for ordinal in range(3):
        home.wants_run(more, ordinal)
    trusted.do_pass(home.store, home.time, machine)
    assert len(asked) == computing.REFERENCE_FIRST + 3


def test_a_reference_that_takes_too_long_is_stopped_and_the_programs_answer_stands(tmp_path):
    home = Home(tmp_path / "grid", reference_time_limit_s=1)
    home.job_type("slow", (REFERENCE, "\n        while True: pass"))
    home.open()
    job = home.real_job("slow", {}, [1, 2])
    home.wants_run(job)
    with closing(Machine()) as machine:
        began = time.monotonic()
        trusted.do_pass(home.store, home.time, machine)
    assert time.monotonic() - began < 30
    assert said(home.runs(job)[0]) == {"rows": 2}
    assert home.runs(job)[0].elapsed_ms >= 1000, "all that it took is counted"
    home.close()


@pytest.mark.parametrize(("job_type", "message"), [("loops", "time limit"), ("throws", "Error")])
def test_a_program_that_fails_here_is_an_error_and_no_answer(tmp_path, job_type, message):
    home = Home(tmp_path / "grid", compute_time_limit_s=1).open()
    job = home.real_job(job_type, {}, list(range(200)))
    home.wants_run(job)
    with closing(Machine()) as machine:
        trusted.do_pass(home.store, home.time, machine, most=1)
    run = home.runs(job)[0]
    assert (run.outcome, message in run.message) == (Outcome.CLIENT_ERROR, True), run.message
    home.close()


def test_an_answer_that_is_cheap_to_check_is_checked_instead_of_computed(home, machine):
    home.open()
    policy = Policy(mode="fixed", min_quorum=2)
    job = home.real_job("factor", {"number": "91", "column": "a"}, [2, 7, 13], policy=policy)
    liar, honest = home.host(), home.host()
    for host, divisor in ((liar, "5"), (honest, "13")):
        (one,) = home.ask(host)
        home.answer(host, one.lease, {"divisor": divisor, "solved": 1})
    home.wants_run(job)
    trusted.do_pass(home.store, home.time, machine)
    assert said(home.runs(job)[0]) == {"divisor": "13", "solved": 1}, "another than the program's 7"
    assert not machine._engines, "no program was run"
    states = {row.host_id: row.validate_state for row in rows(home.store, ResultRow)}
    assert (states[liar.id], states[honest.id]) == ("invalid", "valid")


def test_answers_that_check_as_wrong_are_never_taken_and_the_program_decides(home, machine):
    home.open()
    job = home.real_job("factor", {"number": "91", "column": "a"}, [2, 7, 13])
    liar = home.host()
    (one,) = home.ask(liar)
    home.answer(liar, one.lease, {"divisor": "5", "solved": 1})
    home.wants_run(job)
    trusted.do_pass(home.store, home.time, machine)
    assert said(home.runs(job)[0]) == {"divisor": "7", "solved": 1}


FACTOR = {"number": "91", "column": "a"}


@pytest.mark.parametrize("mode", ["fixed", "standard", "strict"])
def test_one_answer_that_is_proved_right_decides(home, machine, mode):
    home.open()
    job = home.real_job("factor", FACTOR, [2, 7, 13], policy=Policy(mode=mode))
    host = home.host()
    (one,) = home.ask(host)
    home.answer(host, one.lease, {"divisor": "7", "solved": 1}, provable=True)
    assert trusted.do_pass(home.store, home.time, machine) == 1
    (unit,) = home.units(job)
    assert unit.support == Support.TRUSTED
    assert not machine._engines, "no program was run"
    copies = [one for one in rows(home.store, ResultRow) if one.purpose == Purpose.COPY]
    states = {one.server_state for one in copies}
    assert states == {ServerState.OVER}, "no other copy is needed"


def test_two_equal_answers_that_are_refuted_decide_nothing_whatever_the_quorum(home, machine):
    home.open()
    job = home.real_job("factor", FACTOR, [2, 7, 13], policy=Policy(mode="fixed"))
    for host in (home.host(), home.host()):
        (one,) = home.ask(host)
        home.answer(host, one.lease, {"divisor": "5", "solved": 1}, provable=True)
    (unit,) = home.units(job)
    assert unit.canonical_result_id is None
    assert trusted.do_pass(home.store, home.time, machine) == 1, "both are checked at once"
    (unit,) = home.units(job)
    assert (unit.support, said(home.runs(job)[0])["divisor"]) == (Support.TRUSTED, "7")
    states = [one.validate_state for one in rows(home.store, ResultRow) if one.host_id]
    assert states == ["invalid", "invalid"]


def test_a_quorum_decides_when_the_check_has_failed(home):
    home.open()
    job = home.real_job("factor", FACTOR, [2, 7, 13], policy=Policy(mode="fixed"))
    for host in (home.host(), home.host()):
        (one,) = home.ask(host)
        home.answer(host, one.lease, {"divisor": "7", "solved": 1}, provable=True)

    def fails(_store, work):
        return Computed(result_id=work.result_id, output=None, message="no", elapsed_ms=1)

    assert trusted.do_pass(home.store, home.time, fails) == 1
    (unit,) = home.units(job)
    assert unit.support == Support.AGREED


def test_where_the_budget_is_spent_nothing_is_checked(home, monkeypatch):
    monkeypatch.setattr(Budget, "room", lambda *_: False)
    home.open()
    job = home.real_job("factor", FACTOR, [2, 7, 13], policy=Policy(mode="fixed"))
    host = home.host()
    (one,) = home.ask(host)
    home.answer(host, one.lease, {"divisor": "7", "solved": 1}, provable=True)
    assert not home.runs(job)


def test_the_end_of_the_process_gives_back_what_it_was_at(home):
    home.job_type("slow", (REFERENCE, "\n        while True: pass"))
    home.open()
    job = home.real_job("slow", {}, [1, 2])
    home.wants_run(job)
    machine = Machine()
    passing = threading.Thread(target=trusted.do_pass, args=(home.store, home.time, machine))
    passing.start()
    while home.runs(job)[0].server_state == ServerState.UNSENT:
        time.sleep(0.02)
    time.sleep(0.3)
    began = time.monotonic()
    machine.close()
    passing.join()
    assert time.monotonic() - began < 4
    assert home.runs(job)[0].outcome == Outcome.ABANDONED
    with pytest.raises(EngineLost):
        machine(home.store, trusting.TrustedWork(
            result_id=1, workunit_id=1, job_id=1, ordinal=0, first_chunk=0, chunk_count=1
        ))  # fmt: skip


def test_the_server_takes_jobs_in_turn_however_many_work_units_one_has_waiting(home):
    home.open()
    large = home.real_job("tally", {}, *([n] for n in range(6)))
    for ordinal in range(6):
        home.wants_run(large, ordinal)
    small = home.real_job("tally", {}, [1])
    home.wants_run(small)
    order = []

    def compute(_store, work):
        order.append(work.job_id)
        return Computed(result_id=work.result_id, output='{"rows":1}', elapsed_ms=1)

    assert trusted.do_pass(home.store, home.time, compute) == 7
    assert order[:2] == [large.id, small.id]


def test_two_processes_never_compute_the_same_run(home):
    home.open()
    job = home.real_job("tally", {}, [1], [2])
    home.wants_run(job)

    def compute(store, work):
        assert trusted.do_pass(store, home.time, compute) == 0, "somebody is at it"
        return Computed(result_id=work.result_id, output='{"rows":1}', elapsed_ms=1)

    assert trusted.do_pass(home.store, home.time, compute) == 1
    run = home.runs(job)[0]
    late = Computed(result_id=run.id, output='{"rows":2}', elapsed_ms=1)
    assert not home.store.write(lambda tx: trusting.report(tx, late, home.store.context))
    assert said(home.runs(job)[0]) == {"rows": 1}
