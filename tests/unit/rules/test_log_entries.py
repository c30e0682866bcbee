"""This file is where the log's entries are held to what an auditor will do with them."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from crowd import NOW, answered, by_digest, ended, settled, unit
from hypothesis import given
from hypothesis import strategies as st

from grid import replay
from grid.auditlog import entries
from grid.auditlog.entries import About, EntryKind
from grid.canonical import dumps
from grid.states import Outcome
from grid.transition import after
from grid.validator import settle

KEY = b"k" * 32
ABOUT = About(job_id=1, public_id="job_x", public=True, key=KEY)
PRIVATE = About(job_id=1, public_id="job_x", public=False, key=KEY)


def logged(one):
    """The entries of settling a work unit whose answers have just come in."""
    batch = settle(one, by_digest, NOW)
    changed = after(one, batch, next_id=99)
    return entries.of_unit(changed, batch, ABOUT, NOW)


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
    batch = settle(one, by_digest, NOW)
    found = entries.of_unit(after(one, batch, next_id=99), batch, PRIVATE, NOW)
    text = b"".join(dumps(dict(entry.facts)) for entry in found).decode()
    for result in one.results:
        assert result.output_digest not in text
    assert replay.replay((entry.kind, entry.facts) for entry in found) is None
