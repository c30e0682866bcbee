"""This file is where a liar's outputs are made from an honest one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grid import jobspec
from grid.conformance.computing import Faulty
from grid.items import Json
from grid.plugins.contract import OutputError
from grid.plugins.loader import Loaded


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


def forgeries(value: Json) -> Iterator[Json]:
    """The value with one thing changed, in every place."""
    yield from (None, {}, [], "", -1)
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: forged} for forged in forgeries(item))
    elif isinstance(value, list):
        yield value[1:]
        yield [*value, *value[-1:]]
        for number, item in enumerate(value):
            yield from (
                [*value[:number], forged, *value[number + 1 :]] for forged in forgeries(item)
            )
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value + 2**40)
    elif isinstance(value, str):
        yield from (value[1:], value + "A", value[::-1], "9" * 600, "\u2028", "//8=")
