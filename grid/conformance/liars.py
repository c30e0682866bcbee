"""This file is where a liar's outputs are made from an honest one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from grid import canonical, jobspec
from grid.comparators import Answer
from grid.conformance.computing import Faulty, answered
from grid.items import Json
from grid.plugins.contract import OutputError
from grid.plugins.loader import Loaded

#: Changes of one output at most: liars that change more are no cleverer.
CHANGES_MAX = 3
#: How often a change goes into what a value holds, rather than to the value itself.
DEEPER = 0.8


def plausible_lies(loaded: Loaded, spec: Json, rows: Sequence[int], output: Json) -> Iterator[Json]:
    """What a liar may answer instead without being refused at once.

    Raises Faulty when anything but a refusal escapes `check_output`.
    """
    for forged in forgeries(output):
        if forged == output or jobspec.output_fault(forged, loaded.output_schema) is not None:
            continue
        try:
            loaded.job_type.check_output(spec, rows, forged)
        except OutputError:
            continue
        except Exception as error:
            raise Faulty(f"check_output raised {error!r} for {forged!r}") from error
        yield forged


def check_mutations(
    loaded: Loaded, spec: Json, rows: Sequence[int], output: Json, count: int, seed: int
) -> None:
    """Of so many outputs that are wrong in several places, each is refused or another answer."""
    chance = Random(seed)  # noqa: S311 (no secret)
    honest = _answered(0, output)
    for number in range(1, count + 1):
        forged = output
        for _ in range(chance.randint(1, CHANGES_MAX)):
            forged = mutated(forged, chance)
        if jobspec.output_fault(forged, loaded.output_schema) is not None:
            continue
        try:
            loaded.job_type.check_output(spec, rows, forged)
        except OutputError:
            continue
        except Exception as error:
            raise Faulty(f"check_output raised {error!r} for {forged!r}") from error
        other = _answered(number, forged)
        if other.digest != honest.digest:
            try:
                loaded.job_type.compare.agrees(honest, other)
            except Exception as error:
                raise Faulty(f"compare raised {error!r} for {forged!r}") from error


def _answered(number: int, output: Json) -> Answer:
    return answered(number, canonical.dumps(output).decode())


def mutated(value: Json, chance: Random) -> Json:
    """The value with one thing changed, in a place that chance chooses."""
    if isinstance(value, dict) and value and chance.random() < DEEPER:
        key = chance.choice(sorted(value))
        return {**value, key: mutated(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < DEEPER:
        number = chance.randrange(len(value))
        return [*value[:number], mutated(value[number], chance), *value[number + 1 :]]
    return chance.choice(list(_changed(value)))


def forgeries(value: Json) -> Iterator[Json]:
    """The value with one thing changed, in every place."""
    yield from _changed(value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: forged} for forged in forgeries(item))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from (
                [*value[:number], forged, *value[number + 1 :]] for forged in forgeries(item)
            )


def _changed(value: Json) -> Iterator[Json]:
    """The value itself changed, and nothing that it holds."""
    yield from (None, {}, [], "", -1)
    if isinstance(value, dict):
        for key in value:
            yield {name: other for name, other in value.items() if name != key}
    elif isinstance(value, list):
        yield value[1:]
        yield [*value, *value[-1:]]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value + 2**40)
    elif isinstance(value, str):
        yield from (value[1:], value + "A", value[::-1], "9" * 600, "\u2028", "//8=")
