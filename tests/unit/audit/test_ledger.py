"""This file is where a job's log entries are tampered with one by one, and the ledger names each.

The history is a played one: saboteurs, disputes, traps, trusted runs and verdicts taken back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from grid import simulation
from grid.audit.faults import Broken, Unchecked
from grid.audit.ledger import Ledger
from grid.auditlog.granted import granted
from grid.items import Mode
from grid.simulation.play import Play
from grid.simulation.scenario import Behaviour, Scenario

History = list[tuple[str, dict[str, Any]]]


def played(scenario: Scenario) -> dict[str, History]:
    """Job → its entries, in the order they were decided."""
    with simulation.folder() as folder:
        Play(scenario, Path(folder), kept=True).go()
        (path,) = Path(folder).rglob("grid.db")
        found = sqlite3.connect(path)
        rows = found.execute("SELECT kind, facts FROM outbox ORDER BY id").fetchall()
        found.close()
    histories: dict[str, History] = {}
    for kind, text in rows:
        facts = json.loads(text)
        if "job" in facts:
            histories.setdefault(facts["job"], []).append((kind, facts))
    return histories


@pytest.fixture(scope="module")
def disputed() -> History:
    """A job with right and wrong answers, rechecks and a verdict that was taken back."""
    scenario = Scenario(
        seed=6, work_units=40, hosts=30, mode=Mode.STANDARD, share=0.2,
        behaviour=Behaviour.SLEEPING, lying=0.3,
    )  # fmt: skip
    (history,) = played(scenario).values()
    kinds = {kind for kind, _ in history}
    assert {"verdict", "credit", "commit", "reveal", "output", "trap"} <= kinds
    return history


def audited(history: History) -> Ledger:
    ledger = Ledger(history[0][1]["job"])
    for place, (kind, facts) in enumerate(history):
        ledger.feed(kind, facts, f"entry {place}")
    ledger.close()
    return ledger


def verdicts(history: History) -> list[dict[str, Any]]:
    return [facts for kind, facts in history if kind == "verdict" and facts["canonical"]]


def first(history: History, kind: str) -> int:
    return next(place for place, entry in enumerate(history) if entry[0] == kind)


def contested(history: History) -> dict[str, Any]:
    """A verdict with a wrong answer beside right ones."""
    return next(
        facts
        for facts in verdicts(history)
        if {"valid", "invalid"} <= {vote["validate_state"] for vote in facts["votes"]}
    )


def lie_in(history: History) -> dict[str, Any]:
    votes = contested(history)["votes"]
    return next(vote for vote in votes if vote["validate_state"] == "invalid")


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(seed=1, work_units=40, hosts=30, mode=Mode.ECONOMY, share=0.2, jobs=2),
        Scenario(
            seed=3, work_units=40, hosts=30, mode=Mode.STRICT, share=0.35,
            behaviour=Behaviour.COLLUDING, bad_engine=0.05,
        ),
        Scenario(seed=7, work_units=40, hosts=30, mode=Mode.FIXED, share=0.2, network=0.1),
    ],
    ids=lambda one: str(one.mode),
)  # fmt: skip
def test_what_an_honest_server_logs_holds_whoever_takes_part(scenario: Scenario) -> None:
    for history in played(scenario).values():
        assert audited(history).revealed


def test_credit_adds_up_as_the_log_grants_it(disputed: History) -> None:
    ledger = audited(disputed)
    mine = {(ledger.job, name): credit for name, credit in ledger.credit().items()}
    assert mine == granted(disputed)


def rewritten(history: History) -> None:
    facts, lie = contested(history), lie_in(history)
    for vote in facts["votes"]:
        right = vote["output"] == lie["output"]
        vote["validate_state"] = "valid" if right else "invalid"
        vote["credit"] = vote["checks2"] = 0
    facts["canonical"] = lie["output"]


def other_answer(history: History) -> None:
    verdicts(history)[3]["votes"][0]["output"] = "0" * 64


def other_voter(history: History) -> None:
    verdicts(history)[3]["votes"][0]["principal"] = "0" * 20


def vote_made_up(history: History) -> None:
    facts = verdicts(history)[3]
    facts["votes"].append({**facts["votes"][0], "salt": "00" * 16, "principal": "1" * 20})


def credited_twice(history: History) -> None:
    facts = verdicts(history)[3]
    facts["votes"].append(deepcopy(facts["votes"][0]))


def credited_more(history: History) -> None:
    facts = next(
        one for one in verdicts(history) if sum(vote["credit"] > 0 for vote in one["votes"]) > 1
    )
    next(vote for vote in facts["votes"] if vote["credit"])["credit"] += 1


def liar_credited(history: History) -> None:
    lie_in(history)["credit"] = 1


def believed_for_nothing(history: History) -> None:
    lie_in(history)["checks2"] = 2


def other_rule(history: History) -> None:
    verdicts(history)[3]["rule"]["mode"] = "economy"


def other_rows(history: History) -> None:
    verdicts(history)[3]["first_chunk"] += 1


def verdict_dropped(history: History) -> None:
    facts = verdicts(history)[3]
    history[:] = [entry for entry in history if entry[1] is not facts]


def commit_dropped(history: History) -> None:
    del history[first(history, "commit")]


def commit_doubled(history: History) -> None:
    place = first(history, "commit")
    history.insert(place, deepcopy(history[place]))


def result_left_out(history: History) -> None:
    """Committed to when it came in, and then never spoken of again."""
    place = first(history, "commit")
    history.insert(place, ("commit", {**history[place][1], "commitment": "ab" * 32}))


def verdict_before_its_answers(history: History) -> None:
    history.insert(2, history.pop(first(history, "verdict")))


def other_seed(history: History) -> None:
    history[first(history, "reveal")][1]["seed"] = "00" * 32


def output_dropped(history: History) -> None:
    history[:] = [entry for entry in history if entry[0] != "output"]


def second_program(history: History) -> None:
    history.append(("program", {**history[1][1], "program": "0" * 64}))


def submitted_twice(history: History) -> None:
    history.insert(1, deepcopy(history[0]))


def work_unit_beyond(history: History) -> None:
    verdicts(history)[3]["work_unit"] = 10**6


def fact_missing(history: History) -> None:
    del verdicts(history)[3]["votes"][0]["salt"]


def fact_of_another_type(history: History) -> None:
    verdicts(history)[3]["votes"][0]["credit"] = "a lot"


TAMPERED: dict[Callable[[History], None], str] = {
    rewritten: "does not follow from its facts",
    other_answer: "never committed",
    other_voter: "never committed",
    vote_made_up: "never committed",
    credited_twice: "counts one answer twice",
    credited_more: "millionths where others got",
    liar_credited: "credit for an answer that earns none",
    believed_for_nothing: "half checks",
    other_rule: "another rule than the job's policy",
    other_rows: "other rows than that work unit's",
    verdict_dropped: "no verdict on work unit|a result was left out|that did not stand",
    commit_dropped: "never committed",
    commit_doubled: "committed to twice",
    result_left_out: "a result was left out",
    verdict_before_its_answers: "never committed",
    other_seed: "the seed is not the one",
    output_dropped: "the log names no output",
    second_program: "a second program",
    submitted_twice: "submitted a second time",
    work_unit_beyond: "the job has",
    fact_missing: "without what it needs",
    fact_of_another_type: "without what it needs",
}


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda one: one.__name__)
def test_each_forged_entry_is_found_and_named(
    disputed: History, tamper: Callable[[History], None]
) -> None:
    forged = deepcopy(disputed)
    tamper(forged)
    assert forged != disputed
    with pytest.raises(Broken, match=TAMPERED[tamper]):
        audited(forged)


def test_an_older_log_names_the_version_that_verifies_it(disputed: History) -> None:
    forged = deepcopy(disputed)
    forged[0][1]["schema"], forged[0][1]["grid"] = 7, "4.2.0"
    with pytest.raises(Unchecked, match=r"grid-compute==4\.2\.0"):
        audited(forged)


def test_a_sealed_job_is_not_checked_and_not_called_wrong(disputed: History) -> None:
    covered = {"verdict", "reveal", "credit", "trap", "recheck", "retract", "ban"}
    with pytest.raises(Unchecked, match="its seal is shut"):
        audited([entry for entry in disputed if entry[0] not in covered])
