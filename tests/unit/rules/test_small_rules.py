"""This file is where leases, ids, networks, ranges, endings and moves are checked."""

from __future__ import annotations

import pytest
from crowd import NOW, job
from hypothesis import given
from hypothesis import strategies as st

from grid import leases, splitter, trust
from grid.assimilator import ending
from grid.assimilator.ending import Progress
from grid.canonical import NotCanonical, dumps, dumps_facts, loads
from grid.identifiers import Identifiers, Kind
from grid.leases import Lease
from grid.states import MOVES, IllegalMove, JobState, Outcome, ServerState, check_move
from grid.transition import CreateResults, Entity, Transition, merged

KEY, OTHER_KEY = b"k" * 16, b"o" * 16


@given(st.sampled_from(Kind), st.integers(0, 2**63 - 1))
def test_a_public_id_leads_back_to_its_integer_and_to_no_other_kind(kind, number):
    ids = Identifiers(KEY)
    text = ids.public(kind, number)
    assert ids.internal(kind, text) == number
    assert all(ids.internal(other, text) is None for other in Kind if other is not kind)
    assert Identifiers(OTHER_KEY).internal(kind, text) is None


@given(st.text(max_size=40))
def test_a_made_up_id_names_nothing(text):
    assert Identifiers(KEY).internal(Kind.JOB, text) is None
    assert Identifiers(KEY).internal(Kind.JOB, "job_" + text) is None


def test_ids_spelled_otherwise_are_refused():
    ids = Identifiers(KEY)
    text = ids.public(Kind.JOB, 7)
    for other in (text.upper(), text + "=", text[:-1], text.replace("job_", "wu_"), "job_"):
        assert ids.internal(Kind.JOB, other) is None


def test_a_lease_is_good_for_its_result_host_key_and_epoch_only():
    lease = Lease(result_id=4, host_id=5, deadline=NOW, epoch=2)
    text = leases.sign(KEY, lease)
    assert leases.verify(KEY, text, 4, 5) == lease
    assert leases.verify(KEY, text, 4, 6) is None
    assert leases.verify(KEY, text, 3, 5) is None
    assert leases.verify(OTHER_KEY, text, 4, 5) is None
    for place in range(len(text)):
        swapped = "A" if text[place] != "A" else "B"
        forged = text[:place] + swapped + text[place + 1 :]
        assert leases.verify(KEY, forged, 4, 5) is None


@given(st.text(max_size=80))
def test_a_made_up_lease_is_none(text):
    assert leases.verify(KEY, text, 1, 1) is None


def test_leases_show_neither_result_nor_host():
    one = leases.sign(KEY, Lease(result_id=4, host_id=5, deadline=NOW, epoch=1))
    two = leases.sign(KEY, Lease(result_id=9, host_id=8, deadline=NOW, epoch=1))
    assert one[:16] == two[:16]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("8.8.4.9", "8.8.4.0/24"),
        ("::ffff:8.8.4.9", "8.8.4.0/24"),
        ("2a00:1450:4001:80f::200e", "2a00:1450:4001::/48"),
        ("127.0.0.1", None),
        ("::1", None),
        ("192.168.1.7", None),
        ("10.0.0.1", None),
        ("fd00::1", None),
        ("fe80::1%eth0", None),
        ("169.254.1.1", None),
        ("no address", None),
        ("", None),
    ],
)
def test_only_public_addresses_join_hosts(address, prefix):
    assert trust.network_prefix(address) == prefix


def test_a_hidden_prefix_is_equal_for_neighbours_and_says_nothing_under_another_key():
    assert trust.hidden_prefix(KEY, "8.8.4.9") == trust.hidden_prefix(KEY, "8.8.4.200")
    assert trust.hidden_prefix(KEY, "8.8.4.9") != trust.hidden_prefix(KEY, "8.8.5.9")
    assert trust.hidden_prefix(KEY, "8.8.4.9") != trust.hidden_prefix(OTHER_KEY, "8.8.4.9")
    assert trust.hidden_prefix(KEY, "127.0.0.1") is None


@given(st.integers(0, 300), st.integers(1, 7), st.integers(1, 20), st.integers(0, 25))
def test_ranges_cover_every_chunk_once_however_lazily_they_are_made(chunks, size, high, waiting):
    count = splitter.workunit_count(chunks, size)
    covered, made = [], 0
    while made < count:
        one = job(workunit_count=count, workunits_made=made)
        bite = list(splitter.next_ranges(one, chunks, 0, high))
        assert 0 < len(bite) <= high
        assert [r.ordinal for r in bite] == list(range(made, made + len(bite)))
        covered += [n for r in bite for n in range(r.first_chunk, r.first_chunk + r.chunk_count)]
        made += len(bite)
        lazy = list(splitter.next_ranges(one, chunks, waiting, high))
        assert len(lazy) <= max(0, high - waiting)
    assert covered == list(range(chunks))


def test_a_job_ends_when_all_is_merged_or_it_cannot_go_on():
    assert ending.decide(job(), Progress(merged=2), NOW) == []
    (done,) = ending.decide(job(), Progress(merged=3, in_progress=1), NOW)
    assert done.after["job_state"] is JobState.COMPLETED
    (failed,) = ending.decide(job(), Progress(merged=1, failure="because", in_progress=1), NOW)
    assert (failed.after["job_state"], failed.after["failure"]) == (JobState.FAILED, "because")


def test_the_seal_opens_when_a_job_has_ended_and_nothing_is_out_or_its_time_has_come():
    over = job(job_state=JobState.COMPLETED)
    assert ending.decide(over, Progress(merged=3, in_progress=1), NOW) == []
    (opened,) = ending.decide(over, Progress(merged=3), NOW)
    assert opened.after == {"seal_opened_at": NOW}
    assert ending.decide(job(seal_opened_at=NOW), Progress(merged=0), NOW) == []
    assert ending.decide(job(), Progress(merged=0), NOW + 99) == []
    (due,) = ending.decide(job(), Progress(merged=0, in_progress=5), NOW + 100)
    assert due.after == {"seal_opened_at": NOW + 100}


@given(
    st.sampled_from(JobState),
    st.booleans(),
    st.integers(0, 3),
    st.none() | st.just("because"),
    st.integers(0, 2),
    st.sampled_from([NOW, NOW + 100]),
)
def test_the_rule_about_endings_settles_at_once(state, opened, merged_units, failure, out, now):
    one = job(job_state=state, seal_opened_at=NOW if opened else None)
    progress = Progress(merged=merged_units, failure=failure, in_progress=out)
    changes = {}
    for step in ending.decide(one, progress, now):
        assert all(getattr(one, field) == value for field, value in step.before.items())
        changes |= step.after
    assert (
        ending.decide(
            job(**{"job_state": state, "seal_opened_at": one.seal_opened_at, **changes}),
            progress,
            now,
        )
        == []
    )


def test_an_ended_job_cannot_be_resumed():
    for state in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED):
        with pytest.raises(IllegalMove):
            ending.move(job(job_state=state), JobState.ACTIVE, "a wish", NOW)
    assert ending.move(job(), JobState.CANCELLED, "a wish", NOW).after["ended_at"] == NOW
    assert "ended_at" not in ending.move(job(), JobState.PAUSED, "a wish", NOW).after


def test_moves_are_closed_and_name_every_state():
    for moves in MOVES.values():
        states = set(type(next(iter(moves))))
        assert set(moves) == states
        assert all(targets <= states for targets in moves.values())


def test_an_illegal_move_raises_and_names_it():
    with pytest.raises(IllegalMove, match="server_state: over → unsent"):
        check_move("server_state", ServerState.OVER, ServerState.UNSENT)
    with pytest.raises(IllegalMove):
        Transition(
            entity=Entity.RESULT,
            id=1,
            before={"outcome": Outcome.SUCCESS},
            after={"outcome": Outcome.NO_REPLY},
            because="a bug",
        )


def test_merged_instructions_keep_first_before_and_last_after():
    def step(before, after):
        return Transition(entity=Entity.RESULT, id=1, before=before, after=after, because="x")

    (one,) = merged(
        [
            step({"outcome": Outcome.INIT}, {"outcome": Outcome.NO_REPLY, "message": "a"}),
            step({"outcome": Outcome.NO_REPLY, "salt": None}, {"outcome": Outcome.SUCCESS}),
        ]
    )
    assert one.before == {"outcome": Outcome.INIT, "salt": None}
    assert one.after == {"outcome": Outcome.SUCCESS, "message": "a"}
    copies = CreateResults(workunit_id=1, job_id=1, count=1, priority=0, because="x")
    assert merged([copies, step({}, {"message": "b"})])[-1] == copies


@pytest.mark.parametrize(
    "data",
    [b'{"a":1.0}', b'{ "a":1}', b'{"b":1,"a":1}', b"[" * 100_000, b"\xff", b'{"a":1,"a":1}',
     b'{"a":9007199254740993}', b'"\\ud800"', b"", b"1e3", b"NaN", b'"\\u0041"', b"-0"],
)  # fmt: skip
def test_bytes_that_are_not_the_one_spelling_are_refused(data):
    with pytest.raises(NotCanonical):
        loads(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_canonical_json_reads_back(value):
    assert loads(dumps(value)) == value


ASCII_KEYS = st.text(st.characters(max_codepoint=127))
FACTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(ASCII_KEYS, inner),
    max_leaves=8,
)


@given(FACTS)
def test_facts_have_the_same_spelling_the_fast_way(value):
    assert dumps_facts(value) == dumps(value)
