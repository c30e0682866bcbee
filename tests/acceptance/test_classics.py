"""This file is where the classic volunteer jobs have the known answers, by real volunteers."""

from __future__ import annotations

import hashlib
import math
import random
import struct
import time
import zlib
from itertools import permutations
from pathlib import Path

import pytest
from live import AT_ONCE_S, WAIT_S, LiveHost, LiveServer, waiting

ENABLED = (
    "monteCarloPi", "hashSearch", "stringHash", "pingPong", "travellingSalesman", "mandelbrot",
)  # fmt: skip

PI_COUNTS = [
    785040, 785916, 785050, 784831, 785768, 785679, 785007, 784766, 785291, 785042,
]  # fmt: skip
SALTED_MD5 = {
    "algorithm": "md5",
    "hash": "71eebe6997feec5cd4d570c1b15ae786",
    "alphabet": "abcdefghijklmnopqrstuvwxyz",
    "length": 2,
    "salt_after": "salt",
}
#: abc, and the hash of the hash before, again and again.
CHAIN = [96354, 54300117, -1708887261, 944346609, 901458019, -112753253]


def answers(server: LiveServer, job_id: str) -> list[dict[str, object]]:
    """The canonical output of each work unit, in order."""
    units = server.workunits(job_id)
    return [server.get(f"/workunits/{unit['id']}")["canonical_output"] for unit in units]


def test_row_25_row_78_machines_find_the_ten_counts_of_pi(
    server: LiveServer, volunteers: list[Path]
) -> None:
    spec = {"streams": 10, "draws": 1_000_000}
    job_id = server.job("monteCarloPi", spec, points=1, min_quorum=2)
    server.until(job_id, "completed")
    assert answers(server, job_id) == [{"inside": count} for count in PI_COUNTS]
    assert server.output(job_id) == [[3.140956, 7_852_390, 10_000_000]]


def test_two_jobs_of_one_type_run_at_once_with_their_own_specs(
    server: LiveServer, volunteers: list[Path]
) -> None:
    jobs = {
        draws: server.job("monteCarloPi", {"streams": 10, "draws": draws}, points=1, min_quorum=1)
        for draws in (1_000_000, 100_000)
    }
    means = {}
    for draws, job_id in jobs.items():
        server.until(job_id, "completed")
        means[draws] = server.output(job_id)[0][0]
    assert means == {1_000_000: 3.140956, 100_000: 3.139568}


def test_a_seed_gives_the_same_streams_again_and_another_one_others(
    server: LiveServer, volunteers: list[Path]
) -> None:
    jobs = [
        server.job("monteCarloPi", {"streams": 4, "draws": 1000, "seed": seed}, points=1)
        for seed in ("one", "one", "two")
    ]
    for job_id in jobs:
        server.until(job_id, "completed")
    first, again, other = (answers(server, job_id) for job_id in jobs)
    assert first == again != other


def test_the_first_key_found_ends_the_job_and_cancels_the_rest(
    server: LiveServer, volunteers: list[Path]
) -> None:
    job_id = server.job("hashSearch", SALTED_MD5, points=100, min_quorum=2)
    ended = server.until(job_id, "completed")
    assert server.output(job_id) == [["kl"]]
    assert (ended["counts"]["work_units"], ended["stopped_by"]) == (7, 2)
    units = server.workunits(job_id)
    assert units[2]["first_point"] <= 271 < units[2]["first_point"] + units[2]["point_count"]
    assert units[2]["verdict"].startswith(("the server computed it", "2 equal answers"))


def test_work_units_not_begun_are_cancelled_when_the_key_is_found(
    server: LiveServer, volunteers: list[Path]
) -> None:
    """The key is in the very first work unit of ten thousand."""
    found = hashlib.md5(b"aabbsalt", usedforsecurity=False).hexdigest()
    spec = {**SALTED_MD5, "length": 4, "hash": found}
    job_id = server.job("hashSearch", spec, points=50, min_quorum=2)
    ended = server.until(job_id, "completed")
    assert server.output(job_id) == [["aabb"]]
    assert ended["stopped_by"] == 0
    assert ended["counts"]["work_units"] == 9140
    for _ in waiting(WAIT_S, "what is left to be cancelled", pause_s=0.5):
        units = server.workunits(job_id)
        if all(unit["state"] == "decided" for unit in units):
            break
    cancelled = [unit for unit in units if unit["error_mask"] == ["CANCELLED"]]
    unsent = [unit for unit in cancelled if not any(one["sent_at"] for one in unit["results"])]
    assert len(units) < 9140, "those not made yet are never made"
    assert len(unsent) > len(units) / 2
    assert len(cancelled) + ended["counts"]["decided"] == len(units)


def test_no_key_at_all_is_an_answer(server: LiveServer, volunteers: list[Path]) -> None:
    spec = {**SALTED_MD5, "hash": "0" * 32}
    job_id = server.job("hashSearch", spec, points=300, min_quorum=2)
    assert server.until(job_id, "completed")["stopped_by"] is None
    assert server.output(job_id) == [[None]]


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [(1, [-150903220, -383032474]), (2, [583801971, 309948291])],
)
def test_the_hashes_of_the_known_strings(
    server: LiveServer, volunteers: list[Path], rounds: int, expected: list[int]
) -> None:
    dataset = server.dataset("text\niamdefault\niamdefault2\n")
    spec = {"column": "text", "rounds": rounds}
    job_id = server.job("stringHash", spec, dataset, min_quorum=2)
    server.until(job_id, "completed")
    rows = [list(pair) for pair in zip(["iamdefault", "iamdefault2"], expected, strict=True)]
    assert server.output(job_id) == rows


def test_the_hash_of_the_hash_of_abc(server: LiveServer, volunteers: list[Path]) -> None:
    dataset = server.dataset("text\nabc\n")
    jobs = [
        server.job("stringHash", {"column": "text", "rounds": rounds}, dataset, min_quorum=1)
        for rounds in range(1, len(CHAIN) + 1)
    ]
    for job_id in jobs:
        server.until(job_id, "completed")
    assert [server.output(job_id) for job_id in jobs] == [[["abc", hash]] for hash in CHAIN]


def test_ten_thousand_inputs_are_each_computed_and_listed_by_pages(
    server: LiveServer, volunteers: list[Path]
) -> None:
    texts = [f"input {number}" for number in range(10_000)]
    dataset = server.dataset("text\n" + "\n".join(texts) + "\n", chunk_rows=900)
    job_id = server.job("stringHash", {"column": "text"}, dataset, points=50, min_quorum=1)
    server.until(job_id, "completed")
    rows = server.output(job_id)
    assert [row[0] for row in rows] == texts
    assert rows[7] == ["input 7", string_hash("input 7")]
    pages = list(server.pages(f"/jobs/{job_id}/workunits?limit=60"))
    assert [len(page) for page in pages] == [60, 60, 60, 20]


def test_a_thousand_pings_all_come_back(server: LiveServer, volunteers: list[Path]) -> None:
    """Most go to a host that takes many at a time, some to the volunteers."""
    job_id = server.job("pingPong", {"count": 1000}, min_quorum=1)
    LiveHost(server).compute_all(64)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 1000
    assert server.output(job_id) == [[1000, 0]]


def test_the_best_tour_of_eight_cities_is_that_of_brute_force(
    server: LiveServer, volunteers: list[Path]
) -> None:
    drawn = random.Random(8)
    cities = [[drawn.randrange(1000), drawn.randrange(1000)] for _ in range(8)]
    job_id = server.job("travellingSalesman", {"cities": cities}, points=500, min_quorum=2)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 11
    best = min(round_trip(cities, (0, *order)) for order in permutations(range(1, 8)))
    rows = server.output(job_id)
    assert rows[-1][4] == best
    tour = [row[1] for row in rows]
    assert sorted(tour[:-1]) == list(range(8))
    assert round_trip(cities, tuple(tour[:-1])) == best


def test_bands_of_the_mandelbrot_set_make_one_picture(
    server: LiveServer, volunteers: list[Path]
) -> None:
    spec = {"width": 60, "height": 40, "iterations": 200}
    job_id = server.job("mandelbrot", spec, points=7, min_quorum=2)
    server.until(job_id, "completed")
    answer = server.ask("GET", f"/jobs/{job_id}/output", params={"format": "png"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert server.view(job_id)["_links"]["output_png"]
    rows = pixels_of(answer.content)
    assert [len(row) for row in rows] == [60] * 40
    assert rows == rows[::-1], "the set is its own mirror image"
    assert rows[20][34] == 0, "a point of the set"
    assert rows[20][0] == 1, "-2.47 leaves at once"


def test_a_job_of_a_million_work_units_is_created_at_once_and_memory_stays_flat(
    server: LiveServer, volunteers: list[Path]
) -> None:
    spec = {"streams": 1_000_000, "draws": 10}
    before_kb = memory_kb(server)
    began = time.monotonic()
    job_id = server.job("monteCarloPi", spec, points=1, min_quorum=1)
    took_s = time.monotonic() - began
    counts = server.view(job_id)["counts"]
    assert counts["work_units"] == 1_000_000
    assert counts["made"] <= 4000, "they are made as they are sent"
    host = LiveHost(server)
    for _ in range(20):
        reports = [host.computed(one) for one in host.take(64)]
        assert all(said["accepted"] for said in host.tell(*reports))
    grown_kb = memory_kb(server) - before_kb
    print(f"created in {took_s:.2f} s; the server grew by {grown_kb / 1024:.0f} MB")
    assert took_s < AT_ONCE_S
    assert grown_kb < 100 * 1024
    assert server.ask("POST", f"/jobs/{job_id}/cancel", json={}).status_code == 200
    ended = server.until(job_id, "cancelled")
    assert ended["counts"]["made"] < 10_000, "what was not made yet never is"


def memory_kb(server: LiveServer) -> int:
    """What the server process holds in memory."""
    said = Path(f"/proc/{server.pid}/status").read_text()
    return int(said.split("VmRSS:")[1].split()[0])


def string_hash(text: str) -> int:
    total = 0
    for char in text:
        total = (31 * total + ord(char)) % 2**32
    return total - 2**32 if total >= 2**31 else total


def round_trip(cities: list[list[int]], tour: tuple[int, ...]) -> float:
    length = 0.0
    for here, there in zip(tour, (*tour[1:], tour[0]), strict=True):
        across, along = (cities[here][axis] - cities[there][axis] for axis in (0, 1))
        length += math.sqrt(across * across + along * along)
    return length


def pixels_of(png: bytes) -> list[bytes]:
    """Rows of a PNG with a byte a pixel; every checksum is looked at."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + data)
        parts.append((kind, data))
        at += 12 + length
    width, height = struct.unpack(">II", parts[0][1][:8])
    raw = zlib.decompress(b"".join(data for kind, data in parts if kind == b"IDAT"))
    assert len(raw) == height * (width + 1)
    rows = [raw[start : start + width + 1] for start in range(0, len(raw), width + 1)]
    assert all(row[0] == 0 for row in rows)
    return [row[1:] for row in rows]
