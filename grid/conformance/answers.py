"""This file is where it is checked how a job type judges answers: compare, verify, unsolved, quiz.

Every check is given an honest output and what liars make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from grid import canonical
from grid.comparators import Answer, Comparator
from grid.conformance.computing import (
    Faulty,
    answered,
    check_acceptable,
    check_program,
    checked_spec,
)
from grid.conformance.liars import plausible_lies
from grid.conformance.tables import Cut
from grid.engines import Engine
from grid.items import Json
from grid.plugins.contract import COST_MAX, JobType, Quiz
from grid.plugins.loader import Loaded
from grid.plugins.quizzes import QuizFault, encoded

#: Answers compared at once; a work unit seldom gets more copies.
ANSWERS_MAX = 12
#: Quizzes tried for each example.
SEEDS = (0, 1, 2**63 - 1)


def check_answers(loaded: Loaded, spec: Json, cut: Cut, output: Json) -> bool:
    """Everything but quizzes, for one honest output; whether `verify` proved it right."""
    rows = cut.rows
    if not rows:
        return False
    plausible = list(plausible_lies(loaded, spec, rows, output))
    check_compare(loaded.job_type.compare, [output, *plausible])
    check_unsolved(loaded, spec, output, plausible)
    check_enough(loaded, spec, [output, *plausible])
    return check_verify(loaded, spec, cut, output, plausible)


def check_cost(loaded: Loaded, spec: Json, cut: Cut) -> None:
    """A declared cost is a number that jobs can be submitted with, and follows from the table."""
    rows = cut.rows
    try:
        costs = [loaded.job_type.cost(spec, cut.columns, rows) for _ in range(2)]
    except Exception as error:
        raise Faulty(f"cost raised {error!r} for chunks of {rows} rows") from error
    if type(costs[0]) is not int or not 1 <= costs[0] <= COST_MAX:
        raise Faulty(f"cost says {costs[0]!r}, not an integer of 1 to {COST_MAX}")
    if costs[0] != costs[1]:
        raise Faulty("cost: another one each time it is asked")


def check_honest(loaded: Loaded, spec: Json, cut: Cut, output: Json) -> None:
    """What must hold of any honest output, and is quick."""
    if cut.rows:
        check_unsolved(loaded, spec, output, ())
        check_verify(loaded, spec, cut, output, ())


def check_compare(compare: Comparator, outputs: Sequence[Json]) -> None:
    """Groups depend on the set of answers alone, and hold equal digests together.

    The first output is the honest one.
    """
    texts = [canonical.dumps(output).decode() for output in outputs[:ANSWERS_MAX]]
    texts += ["", "[" * 5_000, texts[0]]
    answers = [answered(number, text) for number, text in enumerate(texts)]
    try:
        _check_groups(compare, answers)
    except Faulty:
        raise
    except Exception as error:
        raise Faulty(f"compare raised {error!r} for what strangers may send") from error


def _check_groups(compare: Comparator, answers: Sequence[Answer]) -> None:
    keys = compare.groups(answers)
    members = {(keys.get(answer.id), answer.digest) for answer in answers}
    if keys.keys() != {answer.id for answer in answers}:
        raise Faulty("compare: every answer has a group")
    if not all((key, key) in members for key in keys.values()):
        raise Faulty("compare: a group's key is the digest of one of its answers")
    for order in (answers[::-1], [*answers[1::2], *answers[::2]]):
        if compare.groups(order) != keys:
            raise Faulty("compare: the groups depend on the order of the answers")
    for one, other in combinations(answers, 2):
        if one.digest == other.digest and keys[one.id] != keys[other.id]:
            raise Faulty("compare: equal answers in two groups")
        if compare.agrees(one, other) != compare.agrees(other, one):
            raise Faulty("compare: agreeing depends on the order")
        if keys[one.id] == keys[other.id] and not compare.agrees(one, other):
            raise Faulty("compare: two answers of one group do not agree")


def check_unsolved(loaded: Loaded, spec: Json, output: Json, plausible: Sequence[Json]) -> None:
    """An honest output is never unsolved: its work unit would be sent out for ever."""
    unsolved = loaded.job_type.unsolved
    if unsolved(spec, output):
        raise Faulty(f"unsolved: the reference's own output {output!r} is")
    for forged in plausible:
        try:
            said = unsolved(spec, forged)
        except Exception as error:
            raise Faulty(f"unsolved raised {error!r} for {forged!r}") from error
        if type(said) is not bool:
            raise Faulty(f"unsolved says {said!r} of {forged!r}, not True or False")


def check_enough(loaded: Loaded, spec: Json, outputs: Sequence[Json]) -> None:
    """Whether an answer ends the job is a plain yes or no, and declared."""
    if not loaded.job_type.stops_early:
        if type(loaded.job_type).enough is not JobType.enough:
            raise Faulty("enough: a job type that has it says so in `stops_early`")
        return
    for output in outputs:
        try:
            said = loaded.job_type.enough(spec, output)
        except Exception as error:
            raise Faulty(f"enough raised {error!r} for {output!r}") from error
        if type(said) is not bool:
            raise Faulty(f"enough says {said!r} of {output!r}, not True or False")


def check_verify(
    loaded: Loaded, spec: Json, cut: Cut, output: Json, plausible: Sequence[Json]
) -> bool:
    """An honest output is never called wrong; where it can be proved right, a wrong one is found.

    Returns whether it was proved right.
    """
    job_type = loaded.job_type
    if not job_type.verifies:
        if type(job_type).verify is not JobType.verify:
            raise Faulty("verify: a job type that has it says so in `verifies`")
        return False
    rows = cut.rows
    chunks = cut.python(job_type.reads(spec, cut.columns))

    def said(claimed: Json) -> bool | None:
        try:
            verdict = job_type.verify(spec, cut.columns, rows, chunks, claimed)
        except Exception as error:
            raise Faulty(f"verify raised {error!r} for {claimed!r}") from error
        if verdict is not None and type(verdict) is not bool:
            raise Faulty(f"verify says {verdict!r} of {claimed!r}, not True, False or None")
        return verdict

    honest = said(output)
    if honest is False:
        raise Faulty(f"verify refuses the reference's output {output!r}")
    verdicts = [said(forged) for forged in plausible]
    for claimed, verdict in zip((output, *plausible), (honest, *verdicts), strict=True):
        if verdict is None and job_type.provable(spec, claimed):
            raise Faulty(f"provable: yes of {claimed!r}, and verify cannot say")
    if honest and True in verdicts and False not in verdicts:
        raise Faulty(f"verify refuses no wrong output beside {output!r}")
    return honest is True


def check_quizzes(loaded: Loaded, spec: Json, cut: Cut, engine: Engine | None) -> None:
    """What a quiz expects is what the reference and the program answer."""
    checked = checked_spec(loaded, spec, cut)
    rows = cut.rows
    quizzes: list[Quiz] = []
    for seed in SEEDS if rows else ():
        quiz = loaded.job_type.quiz(spec, cut.columns, rows, seed)
        if quiz is None:
            continue
        if loaded.job_type.quiz(spec, cut.columns, rows, seed) != quiz:
            raise Faulty("quiz: another one with the same seed")
        quizzes.append(quiz)
        try:
            blobs = encoded(quiz, checked.reads, rows, cut.dictionaries())
        except QuizFault as fault:
            raise Faulty(f"quiz: {fault}") from fault
        check_acceptable(loaded, spec, rows, quiz.output)
        found = loaded.job_type.reference(spec, cut.columns, quiz.chunks)
        texts = [canonical.dumps(output).decode() for output in (found, quiz.output)]
        if not loaded.job_type.compare.agrees(answered(0, texts[0]), answered(1, texts[1])):
            raise Faulty(f"quiz: the answer is {found!r}, not {quiz.output!r}")
        if engine is not None:
            check_program(loaded, checked, blobs, cut, quiz.output, engine)
    if len(quizzes) > 1 and all(quiz == quizzes[0] for quiz in quizzes):
        raise Faulty("quiz: the same one with every seed")
