"""This file is where quizzes are made, sent, answered, and leave no trace in a job's output."""

from __future__ import annotations

import json

import pytest
from trust_home import Home
from world import rows

from grid import chunks
from grid.daemons import assimilator, deleter, quizmaster, transitioner
from grid.db import folds, listings, queries, quizzing
from grid.db.tables import OutboxRow, QuizColumnRow, ResultRow, VolunteerRow, WorkUnitRow
from grid.items import Job, Policy
from grid.plugins.quizzes import makes_quizzes
from grid.states import JobState, Purpose
from grid.validator.quizzes import QUIZZES_MIN, WAITING_MAX

SPEC = {"column": "a", "value": 7}
VALUES = [[7, 1, 7], [2, 7, 3]]


@pytest.fixture
def home(tmp_path):
    one = Home(tmp_path / "home", copy_delay_max_s=0).open()
    yield one
    one.close()


def needle(home: Home, **policy: object) -> Job:
    return home.real_job("needle", SPEC, *VALUES, policy=Policy(**{"mode": "standard", **policy}))


def quizzes(home: Home) -> list[object]:
    return sorted(
        (row for row in rows(home.store, WorkUnitRow) if row.ordinal < 0),
        key=lambda row: -row.ordinal,
    )


def answer_of(home: Home, assigned: object) -> dict[str, list[int]]:
    """What the program gives for an assignment's inputs."""
    job = assigned.job.job
    with home.store.read() as connection:
        if assigned.quiz is None:
            dataset = queries.dataset(connection, job.dataset_id)
            found = queries.chunk_columns(
                connection, dataset, assigned.first_chunk, assigned.chunk_count, ("a",)
            )
        else:
            found = quizzing.inputs(connection, assigned.quiz, {0: "a"})
    values = [
        value
        for one in found
        for value in chunks.to_python(chunks.decode_column(home.store.blobs.get(one.digest)))
    ]
    return {"rows": [row for row, value in enumerate(values) if value == 7]}


def ask_all(home: Home, host: object) -> list[object]:
    return list(home.ask(host, want=16))


def standing(home: Home, host: object) -> object:
    return next(row for row in rows(home.store, VolunteerRow) if row.id == host.volunteer_id)


def test_a_newcomer_gets_a_quiz_and_by_it_a_check(home):
    job = needle(home)
    for _ in range(3):
        quizmaster.do_pass(home.store, home.time)
    assert len(quizzes(home)) == WAITING_MAX, "no more while as many wait"
    host = home.host()
    given = ask_all(home, host)
    asked = [one for one in given if one.quiz is not None]
    assert len(asked) == WAITING_MAX and len(given) > len(asked)
    for one in given:
        assert home.answer(host, one.lease, answer_of(home, one)).accepted
    assert standing(home, host).checks2 == 2 * len(asked)
    assert home.facts(job.id).job_state is JobState.ACTIVE


def test_whoever_gets_a_quiz_wrong_loses_its_checks_and_the_quiz_becomes_a_trap(home):
    needle(home)
    quizmaster.do_pass(home.store, home.time)
    liar = home.host()
    (asked,) = [one for one in ask_all(home, liar) if one.quiz is not None]
    wrong = {"rows": [] if answer_of(home, asked)["rows"] else [0]}
    assert home.answer(liar, asked.lease, wrong).accepted
    assert standing(home, liar).compared == 1
    home.time += 60
    others = [home.host() for _ in range(2)]
    for host in others:
        for one in ask_all(home, host):
            if one.quiz is not None:
                assert home.answer(host, one.lease, answer_of(home, one)).accepted
    assert standing(home, liar).lies == 1
    assert all(standing(home, host).checks2 >= 2 for host in others)


def test_order_within_a_right_answer_does_not_matter_to_a_quiz_either(tmp_path):
    home = Home(tmp_path / "home").open()
    home.real_job("needle", SPEC, list(range(100)), policy=Policy(mode="standard"))
    quizmaster.do_pass(home.store, home.time)
    host = home.host()
    (asked,) = [one for one in ask_all(home, host) if one.quiz is not None]
    right = answer_of(home, asked)["rows"]
    assert len(right) > 1
    assert home.answer(host, asked.lease, {"rows": right[::-1]}).accepted
    assert standing(home, host).checks2 == 2
    home.store.close()  # equal answers of different digests are no invariant's case


def test_a_quiz_stands_in_the_place_of_real_chunks_and_its_blobs_are_read_like_theirs(home):
    needle(home)
    quizmaster.do_pass(home.store, home.time)
    (unit,) = quizzes(home)
    (column,) = rows(home.store, QuizColumnRow)
    (like,) = [row for row in rows(home.store, WorkUnitRow) if row.ordinal == unit.first_chunk]
    assert (unit.chunk_count, unit.credit, column.rows) == (like.chunk_count, like.credit, 3)
    with home.store.read() as connection:
        access = listings.access(connection, column.digest, home.store.now())
    assert access is not None and access.public


def test_quizzes_are_in_no_output_and_in_no_count(home):
    job = needle(home, target_error_ppb=300_000_000)
    for _ in range(4):
        for each in (quizmaster, transitioner, assimilator, deleter):
            each.do_pass(home.store, home.time)
        for _ in range(2):
            host = home.host()
            for one in ask_all(home, host):
                assert home.answer(host, one.lease, answer_of(home, one)).accepted
        home.time += 5
    for _ in range(3):
        for each in (quizmaster, transitioner, assimilator, deleter):
            each.do_pass(home.store, home.time)
    done = home.facts(job.id)
    assert done.job_state is JobState.COMPLETED and done.seal_opened_at is not None
    assert 1 < len(quizzes(home)) <= QUIZZES_MIN + 1
    with home.store.read() as connection:
        found = listings.outputs(connection, [job.id])[job.id]
        (version,) = found
        counts = listings.counts(connection, [job.id])[job.id]
        listed = listings.workunits(connection, job.id, None, 100, sealed=False)
        backing = folds.support(connection, job.id)
        parts = listings.output_parts(connection, job.id, version.output_version)
        assert listings.totals(connection).workunits_verified == len(VALUES)
    assert (counts.decided, counts.merged, counts.retracted) == (2, 2, 0)
    assert [unit.ordinal for unit in listed] == [0, 1]
    assert backing.agreed + backing.trusted == 2
    found_rows = [
        row
        for part in parts
        for row in chunks.decode_batch(home.store.blobs.get(part.digest)).column("row").to_pylist()
    ]
    assert found_rows == [0, 2, 4]


def test_the_log_tells_of_quizzes_once_the_seal_is_open(home):
    needle(home)
    quizmaster.do_pass(home.store, home.time)
    lines = [row for row in rows(home.store, OutboxRow) if '"work_unit":-1' in row.facts]
    assert [row.kind for row in lines] == ["trap", "verdict"]
    assert all(row.sealed for row in lines)
    assert json.loads(lines[0].facts)["quiz"] is True


@pytest.mark.parametrize("mode", ["fixed", "trusted"])
def test_modes_that_count_votes_ask_no_quizzes(home, mode):
    needle(home, mode=mode, min_quorum=1, target_nresults=1)
    assert quizmaster.do_pass(home.store, home.time) == 0


def test_a_job_type_that_makes_no_quizzes_is_asked_for_none(home):
    home.real_job("tally", {}, *VALUES)
    assert not makes_quizzes(loaded(home, "tally"))
    assert quizmaster.do_pass(home.store, home.time) == 0


def test_a_quiz_that_cannot_pass_for_a_work_unit_is_not_sent_and_the_job_goes_on(tmp_path):
    home = Home(tmp_path / "home")
    made = """    def quiz(self, spec, columns, rows, seed):
        from grid.plugins.contract import Quiz
        return Quiz(chunks=(), output={"rows": 3})

"""
    home.job_type("dull", ("    def merge_start(", f"{made}    def merge_start("))
    home.open().real_job("dull", {}, *VALUES)
    assert makes_quizzes(loaded(home, "dull"))
    assert quizmaster.do_pass(home.store, home.time) == 0
    assert quizzes(home) == []
    home.close()


def loaded(home: Home, name: str) -> object:
    return home.store.job_types.loaded(home.store.job_types.find(name).digest).job_type


def test_two_makers_of_the_same_quiz_make_it_once(home):
    job = needle(home)
    with home.store.read() as connection:
        plan = quizzing.plan(connection, job.id, home.time)
    assert quizmaster.do_pass(home.store, home.time) == 1
    late = quizzing.NewQuiz(plan=plan, columns=(), output="{}")
    assert not home.store.write(lambda tx: quizzing.add(tx, job.id, late, home.store.context))
    runs = [row for row in rows(home.store, ResultRow) if row.purpose == Purpose.TRUSTED]
    assert len(runs) == 1
