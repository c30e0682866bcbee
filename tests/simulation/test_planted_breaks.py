"""This file is where bugs are planted below the simulator, and it must find them and say how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from grid import simulation
from grid.auditlog import entries
from grid.db import progress, work
from grid.items import Mode
from grid.simulation import watch
from grid.simulation.invariants import Broken
from grid.simulation.scenario import Scenario
from grid.simulation.watch import Watch
from grid.states import Outcome, Purpose
from grid.validator import quorum

SCENARIO = Scenario(seed=7, work_units=30, hosts=10, share=0.3, lying=1.0, network=0.1)

Plant = Callable[[pytest.MonkeyPatch], None]


def accept_the_first_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quorum, "winner", lambda answers, keys, policy: list(answers[:1]) or None)


def leave_commitments_out_of_the_log(patch: pytest.MonkeyPatch) -> None:
    honest = entries.of_unit

    def forgetful(*given: Any, **further: Any) -> list[entries.Entry]:
        return [
            one for one in honest(*given, **further) if one.kind is not entries.EntryKind.COMMIT
        ]

    patch.setattr(entries, "of_unit", forgetful)


def forget_silent_copies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(progress, "settle_due", lambda transaction, numbers, context: 0)


def take_an_answer_without_its_digest(patch: pytest.MonkeyPatch) -> None:
    honest = work.report.judge

    def hasty(said: Any, *further: Any) -> Any:
        judged = honest(said, *further)
        if judged.transition is not None and said.outcome is Outcome.SUCCESS:
            judged.transition.after["output_digest"] = None
        return judged

    patch.setattr(work.report, "judge", hasty)


def merge_the_first_work_unit_twice(patch: pytest.MonkeyPatch) -> None:
    from grid.daemons import assimilator

    honest = assimilator._fold

    def greedy(store: Any, facts: Any, dataset: Any, merge: Any, ripe: Any) -> Any:
        folded = honest(store, facts, dataset, merge, ripe)
        if merge.merged == 0 and folded.failure is None:
            again = honest(store, facts, dataset, merge, ripe[:1])
            folded = type(folded)(
                done=folded.done, state=folded.state + again.state, batches=folded.batches
            )
        return folded

    patch.setattr(assimilator, "_fold", greedy)


def make_traps_again_and_again(patch: pytest.MonkeyPatch) -> None:
    from grid.validator import extras

    honest = extras.further

    def greedy(unit: Any, snapshot: Any, now: int) -> Any:
        bare = [one for one in unit.results if one.purpose is not Purpose.TRAP]
        return honest(msgspec.structs.replace(unit, results=tuple(bare)), snapshot, now)

    patch.setattr(extras, "further", greedy)


def send_a_copy_to_two_hosts(patch: pytest.MonkeyPatch) -> None:
    from grid.db import store

    honest = store.work

    def generous(transaction: Any, requests: Any, context: Any) -> Any:
        answers = honest(transaction, requests, context)
        for place, one in enumerate(answers[1:], 1):
            first = answers[0].assigned
            if first and requests[place].host.id != requests[0].host.id and requests[place].want:
                lease = msgspec.structs.replace(first[0].lease, host_id=requests[place].host.id)
                mine = msgspec.structs.replace(first[0], lease=lease)
                answers[place] = msgspec.structs.replace(one, assigned=(*one.assigned, mine))
        return answers

    patch.setattr(store, "work", generous)


def lose_a_work_unit(patch: pytest.MonkeyPatch) -> None:
    """One that nobody has been sent yet."""
    from grid.db import store

    honest = store.work

    def careless(transaction: Any, requests: Any, context: Any) -> Any:
        lost = (
            "(SELECT workunit_id FROM result GROUP BY workunit_id"
            " HAVING max(server_state <> 'unsent') = 0 LIMIT 1)"
        )
        transaction.connection.exec_driver_sql(f"CREATE TEMP TABLE lost AS SELECT * FROM {lost}")
        for table, field in (("result", "workunit_id"), ("workunit", "id")):
            said = f"DELETE FROM {table} WHERE {field} IN (SELECT * FROM lost)"
            transaction.connection.exec_driver_sql(said)
        transaction.connection.exec_driver_sql("DROP TABLE lost")
        return honest(transaction, requests, context)

    patch.setattr(store, "work", careless)


def grant_credit_twice(patch: pytest.MonkeyPatch) -> None:
    from grid.db.apply import credit

    honest = credit.write

    def generous(*given: Any) -> None:
        honest(*given)
        honest(*given)

    patch.setattr(credit, "write", generous)


def leave_verdicts_out_of_the_log(patch: pytest.MonkeyPatch) -> None:
    honest = entries.of_unit

    def forgetful(*given: Any, **further: Any) -> list[entries.Entry]:
        return [
            one for one in honest(*given, **further) if one.kind is not entries.EntryKind.VERDICT
        ]

    patch.setattr(entries, "of_unit", forgetful)


def count_comparisons_twice(patch: pytest.MonkeyPatch) -> None:
    """Where answers are weighed."""
    from grid.db.apply import standing

    honest = standing.adjust

    def keen(connection: Any, steps: Any, now: int) -> None:
        twice = [msgspec.structs.replace(one, compared=2 * one.compared) for one in steps]
        honest(connection, twice, now)

    patch.setattr(standing, "adjust", keen)


#: What is planted, and what is seen of it.
PLANTED = [
    (accept_the_first_answer, "a verdict has its quorum"),
    (leave_commitments_out_of_the_log, "every answer is in the log"),
    (forget_silent_copies, "every job comes to an end|leftovers go"),
    (take_an_answer_without_its_digest, "an answer has a digest"),
    (merge_the_first_work_unit_twice, "every answer is merged, once"),
    (send_a_copy_to_two_hosts, "no result goes to two hosts"),
    (lose_a_work_unit, "no work unit is lost"),
    (grant_credit_twice, "credit is conserved"),
    (leave_verdicts_out_of_the_log, "log = state"),
]


def make_traps_again_once_the_server_has_computed(patch: pytest.MonkeyPatch) -> None:
    """Only a daemon comes upon this one."""
    from grid.db import trusting

    honest = trusting.report

    def forgetful(transaction: Any, computed: Any, context: Any) -> bool:
        done = honest(transaction, computed, context)
        make_traps_again_and_again(patch)
        return done

    patch.setattr(trusting, "report", forgetful)


@pytest.mark.parametrize(
    "plant", [make_traps_again_and_again, make_traps_again_once_the_server_has_computed]
)
def test_a_decision_that_does_not_settle_is_found_where_answers_are_weighed(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    scenario = msgspec.structs.replace(SCENARIO, mode=Mode.STANDARD)
    with pytest.raises(Broken, match="rules settle"):
        simulation.play(scenario)


@pytest.mark.parametrize(
    ("plant", "seen"),
    [(grant_credit_twice, "credit is conserved"), (count_comparisons_twice, "counted once")],
)
def test_sums_that_are_wrong_are_found_while_it_goes_on_and_not_at_its_end(
    plant: Plant, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    monkeypatch.setattr(Watch, "look_at_all", Watch.look)
    monkeypatch.setattr(watch, "SUMS_EVERY", 3)
    scenario = msgspec.structs.replace(SCENARIO, mode=Mode.STANDARD)
    with pytest.raises(Broken, match=seen):
        simulation.play(scenario)


@pytest.mark.parametrize(("plant", "seen"), PLANTED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_bug_is_found_and_can_be_played_again(
    plant: Plant, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken, match=seen) as broken:
        simulation.play(SCENARIO)
    assert "seed 7; again with: grid simulate --seed 7 --work-units 30" in str(broken.value)


def test_without_them_nothing_breaks() -> None:
    assert simulation.play(SCENARIO).jobs == {"completed": 1}
