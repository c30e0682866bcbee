"""This file is where the log's entries are held to what an auditor will do with them."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from crowd import (
    NOW,
    PLAIN,
    answered,
    by_digest,
    caught,
    computed,
    ended,
    known,
    settled,
    standard,
    unit,
    with_answer,
)
from hypothesis import given
from hypothesis import strategies as st

from grid import replay
from grid.auditlog import entries
from grid.auditlog.entries import About, EntryKind
from grid.canonical import digest, dumps
from grid.comparators import Within
from grid.states import Outcome
from grid.transition import after, merged
from grid.validator import grouping, settle

KEY = b"k" * 32
ABOUT = About(job_id=1, public_id="job_x", public=True, key=KEY)
PRIVATE = About(job_id=1, public_id="job_x", public=False, key=KEY)


def logged(one):
    """The entries of settling a work unit whose answers have just come in."""
    batch = settle(one, by_digest, PLAIN, NOW)
    changed = after(one, batch, next_id=99)
    return entries.of_unit(one, changed, batch, ABOUT, PLAIN, NOW)


def verdict_of(*results, **policy):
    (entry,) = (e for e in logged(unit(*results, **policy)) if e.kind is EntryKind.VERDICT)
    return entry


def test_a_verdict_holds_every_vote_and_is_sealed():
    entry = verdict_of(answered(1, "lie"), answered(2, "a"), answered(3, "a"))
    assert (entry.job_id, entry.sealed) == (1, True)
    states = [vote["validate_state"] for vote in entry.facts["votes"]]
    assert states == ["invalid", "valid", "valid"]
    assert entry.facts["canonical"] == answered(2, "a").output_digest


def test_a_commit_hides_who_and_which_until_the_salt_is_known():
    result = answered(1, "a")
    one = unit(result)
    shown = entries.commitment(entries.vote(one, result, ABOUT))
    other = entries.commitment({**entries.vote(one, result, ABOUT), "salt": "ff" * 16})
    assert shown != other
    revealed = json.loads(dumps(entries.vote(one, result, ABOUT)))
    assert entries.commitment(revealed) == shown


def test_pseudonyms_are_equal_within_a_job_and_unlinkable_between_jobs():
    assert entries.pseudonym(KEY, 1, 7) == entries.pseudonym(KEY, 1, 7)
    assert len({entries.pseudonym(KEY, job, who) for job in (1, 2) for who in (7, 8)}) == 4


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), min_size=1, max_size=7))
def test_replaying_a_verdict_gives_the_same_verdict(answers):
    results = [answered(n + 1, answer, who) for n, (answer, who) in enumerate(answers)]
    found = [(e.kind, dict(e.facts)) for e in logged(unit(*results, min_quorum=2))]
    assert replay.replay(found) is None


@pytest.mark.parametrize(
    "forge",
    [
        lambda facts: facts.update(canonical="00" * 32),
        lambda facts: facts["votes"].pop(),
        lambda facts: facts["votes"][0].update(validate_state="valid"),
        lambda facts: facts["votes"][2].update(principal=facts["votes"][1]["principal"]),
        lambda facts: facts["votes"][2].update(output="11" * 32),
        lambda facts: facts["rule"].update(quorum=3),
    ],
)
def test_a_rewritten_verdict_is_the_first_difference(forge):
    honest = verdict_of(answered(1, "lie"), answered(2, "a"), answered(3, "a"))
    forged = deepcopy(dict(honest.facts))
    forge(forged)
    found = replay.replay([(honest.kind, honest.facts), (honest.kind, forged)])
    assert found is not None
    assert found.place == 1


def test_a_log_of_another_schema_is_not_judged():
    facts = {**verdict_of(answered(1, "a"), answered(2, "a")).facts, "schema": 999}
    with pytest.raises(ValueError, match="schema 999"):
        replay.replay([(EntryKind.VERDICT, facts)])


def test_giving_up_is_logged_with_its_reason():
    entry = verdict_of(*(ended(n, Outcome.CLIENT_ERROR) for n in (1, 2)), max_error_results=2)
    assert entry.facts["error_mask"] == ["TOO_MANY_ERROR_RESULTS"]
    assert entry.facts["canonical"] is None
    assert entry.facts["outcomes"] == {"client_error": 2}


def test_times_are_whole_minutes_and_facts_hold_no_float():
    facts = verdict_of(answered(1, "a"), answered(2, "a")).facts
    assert facts["minute"] == NOW // 60
    assert settled(unit(answered(1, "a"), answered(2, "a"))).canonical_result_id == 1
    assert b"." not in dumps({k: v for k, v in facts.items() if k != "grid"})


def test_a_private_jobs_digests_are_keyed_and_its_verdicts_replay_all_the_same():
    one = unit(answered(1, "lie"), answered(2, "a"), answered(3, "a"))
    batch = settle(one, by_digest, PLAIN, NOW)
    found = entries.of_unit(one, after(one, batch, next_id=99), batch, PRIVATE, PLAIN, NOW)
    text = b"".join(dumps(dict(entry.facts)) for entry in found).decode()
    for result in one.results:
        assert result.output_digest not in text
    assert replay.replay((entry.kind, entry.facts) for entry in found) is None


def told(one, snapshot=PLAIN, group=by_digest):
    """What is logged of settling a work unit, as (kind, facts), by any crowd."""
    batch = merged(settle(one, group, snapshot, NOW))
    changed = after(one, batch, next_id=99)
    lines = entries.of_unit(one, changed, batch, ABOUT, snapshot, NOW, group(changed))
    assert all(line.sealed and line.job_id == 1 for line in lines)
    assert replay.replay((line.kind, line.facts) for line in lines) is None
    return changed, [(line.kind, line.facts) for line in lines]


def facts_of(lines, kind):
    return [facts for name, facts in lines if name is kind]


def test_a_verdict_says_how_far_each_was_believed_and_what_it_rests_on():
    _, lines = told(standard(answered(1, "a"), answered(2, "a")), known({1: 400, 2: 300}))
    (facts,) = facts_of(lines, EntryKind.VERDICT)
    assert [vote["believed2"] for vote in facts["votes"]] == [400, 300]
    assert (facts["support"], facts["rule"]["mode"]) == ("agreed", "standard")
    assert {vote["engine"] for vote in facts["votes"]} == {"chromium"}


@pytest.mark.parametrize("forgery", [3, 0])
def test_whoever_is_said_to_be_believed_less_carries_no_verdict(forgery):
    _, lines = told(standard(answered(1, "a"), answered(2, "a")), known())
    ((kind, facts),) = [line for line in lines if line[0] is EntryKind.VERDICT]
    forged = deepcopy(dict(facts))
    forged["votes"][0]["believed2"] = forgery
    assert replay.replay([(kind, facts)]) is None
    assert replay.replay([(kind, forged)]) is not None


def test_a_trusted_run_that_overturns_is_a_retraction_and_a_new_verdict():
    agreed, _ = told(standard(answered(1, "lie"), answered(2, "lie")), known())
    _, lines = told(with_answer(agreed, computed(9, "a")), known())
    (retracted,) = facts_of(lines, EntryKind.RETRACT)
    (verdict,) = facts_of(lines, EntryKind.VERDICT)
    assert retracted["canonical"] == digest(b"lie")
    assert (verdict["canonical"], verdict["support"]) == (digest(b"a"), "trusted")
    assert [vote["validate_state"] for vote in verdict["votes"]] == ["valid", "invalid", "invalid"]


def test_a_trusted_run_that_agrees_is_a_recheck_and_says_what_answers_are_worth_now():
    agreed, _ = told(standard(answered(1, "a"), answered(2, "a")), known())
    _, lines = told(with_answer(agreed, computed(9, "a")), known())
    assert [facts["agrees"] for facts in facts_of(lines, EntryKind.RECHECK)] == [True]
    worth = {facts["checks2"] for facts in facts_of(lines, EntryKind.CREDIT) if facts["checks2"]}
    assert worth == {2}
    assert not facts_of(lines, EntryKind.RETRACT)


def test_a_ban_names_pseudonyms_and_the_work_unit_and_a_dispute_its_traps_in_one_line():
    liars = [answered(1, "lie"), answered(2, "lie", engine="firefox/128")]
    one = standard(*liars, answered(3, "a"), computed(9, "a"))
    _, lines = told(one, known(300, seed="a seed"))
    names = [facts["principals"] for facts in facts_of(lines, EntryKind.BAN)]
    assert sorted(names) == sorted([entries.pseudonym(KEY, 1, who)] for who in (1, 2))
    assert [facts["copies"] for facts in facts_of(lines, EntryKind.TRAP)] == [8]


def test_where_another_speaks_for_the_same_output_nothing_is_retracted():
    agreed, _ = told(standard(*(answered(n, "a") for n in (1, 2, 3))), known())
    _, lines = told(agreed, caught(known(), 1))
    assert not facts_of(lines, EntryKind.RETRACT)
    (verdict,) = facts_of(lines, EntryKind.VERDICT)
    assert verdict["canonical"] == digest(b"a")
    assert [vote["validate_state"] for vote in verdict["votes"]] == ["void", "valid", "valid"]


def test_what_is_taken_back_says_why():
    agreed, _ = told(standard(answered(1, "a"), answered(2, "a")), known())
    _, lines = told(agreed, caught(known(), 1))
    (retracted,) = facts_of(lines, EntryKind.RETRACT)
    assert retracted["because"]
    assert not facts_of(lines, EntryKind.VERDICT)


def test_answers_that_are_the_same_within_a_tolerance_are_told_so_and_replay():
    outputs = {1: '{"x":"1.0"}', 2: '{"x":"1.1"}', 3: '{"x":"9.0"}', 4: '{"x":"1.05"}'}
    group = grouping(Within("/x", absolute="0.2"), outputs.get)
    results = [answered(number, text) for number, text in outputs.items()]
    decided, lines = told(standard(*results), known({1: 400, 2: 400, 4: 400}), group)
    assert decided.canonical_result_id in (1, 2, 4)
    (facts,) = facts_of(lines, EntryKind.VERDICT)
    assert sum("like" in vote for vote in facts["votes"]) == 2
    forged = deepcopy(dict(facts))
    for vote in forged["votes"]:
        vote.pop("like", None)
    assert replay.replay([(EntryKind.VERDICT, forged)]) is not None
