"""This package is where hashSearch stands: the key behind a hash, found by trying all keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, cast

import pyarrow as pa
from msgspec import Struct

from grid.codegen import hashes
from grid.codegen.program import indented
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    SpecError,
    hookimpl,
)

#: Keys of one job: five million tries a second are two days of one browser.
KEYS_MAX = 10**12
#: Keys of a work unit: minutes of a slow machine, whatever was measured.
KEYS_PER_WORKUNIT_MAX = 2**30
#: One block of the hash, without the padding and the length that it ends with.
MESSAGE_BYTES_MAX = 55


class Algorithm(Struct, frozen=True):
    """A hash function, as a program computes it."""

    rounds: Callable[[], Iterator[str]]
    #: Words of the hash.
    words: int
    #: How bytes stand in a word.
    order: Literal["little", "big"]
    #: Keys that are hashed side by side: MD5 alone waits for its own last step so much that two
    #: take little longer than one.
    lanes: int
    #: What a try takes a browser of 2024.
    try_ns: int


ALGORITHMS: Mapping[str, Algorithm] = {
    "md5": Algorithm(hashes.md5, 4, "little", 2, 120),
    "sha1": Algorithm(hashes.sha1, 5, "big", 1, 250),
    "sha256": Algorithm(hashes.sha256, 8, "big", 1, 500),
}


class HashSearch(JobType):
    """A point is a key; a work unit's answer is the first of its keys that has the hash."""

    over_dataset = False
    verifies = True
    stops_early = True

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        algorithm, alphabet = ALGORITHMS[spec["algorithm"]], spec["alphabet"]
        if len(spec["hash"]) != 8 * algorithm.words:
            digits = 8 * algorithm.words
            raise SpecError("/hash", f"a hash of {spec['algorithm']} has {digits} hex digits")
        if len(set(alphabet)) < len(alphabet):
            raise SpecError("/alphabet", "each character once")
        keys = len(alphabet) ** int(spec["length"])
        if keys > KEYS_MAX:
            raise SpecError("/length", f"{KEYS_MAX:,} keys at most")
        if sum(map(len, _salts(spec))) + int(spec["length"]) > MESSAGE_BYTES_MAX:
            raise SpecError("/length", f"key and salts have {MESSAGE_BYTES_MAX} bytes at most")
        return Points(count=keys, point_ns=algorithm.try_ns, per_workunit_max=KEYS_PER_WORKUNIT_MAX)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`key`, NULL where no key has the hash."""
        text = LogicalType.TEXT
        return (Column(name="key", type=text, physical=PhysicalType.UTF8, nullable=True),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(ALGORITHMS[spec["algorithm"]])

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        algorithm, (before, after) = ALGORITHMS[spec["algorithm"]], _salts(spec)
        wanted = bytes.fromhex(spec["hash"])
        words = [
            str(int.from_bytes(wanted[at : at + 4], algorithm.order, signed=True))
            for at in range(0, len(wanted), 4)
        ]
        return {
            "literals": [
                before.hex(),
                spec["alphabet"].encode().hex(),
                after.hex(),
                str(int(spec["length"])),
                str(int(algorithm.order == "big")),
                *words,
            ]
        }

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        keys = (_key(spec, cast("int", index)) for index in chunks[0]["index"])
        return {"keys": next(([key] for key in keys if _fits(spec, key)), [])}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """A key that is claimed is hashed: nobody can say that there is one where there is none."""
        for key in output["keys"]:
            if len(key) != int(spec["length"]) or not set(key) <= set(spec["alphabet"]):
                raise OutputError("/keys/0: not a key of this job")
            if not _fits(spec, key):
                raise OutputError("/keys/0: this key has another hash")

    def verify(
        self,
        spec: Json,
        columns: Sequence[Column],
        rows: Sequence[int],
        chunks: Sequence[Chunk],
        output: Json,
    ) -> bool | None:
        """That there is no key takes all tries to see."""
        if not output["keys"]:
            return None
        (key,) = output["keys"]
        return _fits(spec, key) and _number(spec, key) in chunks[0]["index"]

    def provable(self, spec: Json, output: Json) -> bool:
        return bool(output["keys"])

    def enough(self, spec: Json, output: Json) -> bool:
        return bool(output["keys"])

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Tries."""
        return max(1, rows[0])

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return None

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state=state if state is not None else next(iter(part.output["keys"]), None))

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = pa.RecordBatch.from_pydict({"key": pa.array([state], pa.utf8())})
        return Merged(state=state, rows=rows)


def _salts(spec: Mapping[str, Json]) -> tuple[bytes, bytes]:
    return spec.get("salt_before", "").encode(), spec.get("salt_after", "").encode()


def _key(spec: Mapping[str, Json], number: int) -> str:
    """The key of this number: its digits are the alphabet."""
    alphabet, digits = spec["alphabet"], []
    for _ in range(int(spec["length"])):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits))


def _number(spec: Mapping[str, Json], key: str) -> int:
    number = 0
    for char in key:
        number = number * len(spec["alphabet"]) + spec["alphabet"].index(char)
    return number


def _fits(spec: Mapping[str, Json], key: str) -> bool:
    before, after = _salts(spec)
    made = hashlib.new(spec["algorithm"], before + key.encode() + after, usedforsecurity=False)
    return made.hexdigest() == str(spec["hash"])


def _program(algorithm: Algorithm) -> str:
    """Keys in groups of as many as are hashed side by side; the last may go beyond the end."""
    lanes, words = "pq"[: algorithm.lanes], range(algorithm.words)
    hashed = zip(*(hashes.lane(algorithm.rounds(), lane) for lane in lanes), strict=True)
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        "const size = kit.integer(literals[3]);",
        "const big = kit.integer(literals[4]);",
        *(f"const t{word} = kit.integer(literals[{5 + word}]);" for word in words),
        "const tries = inputs[0];",
        "const first = tries.first;",
        "const count = tries.rows;",
        f"const groups = kit.times((count + {len(lanes) - 1}) / {len(lanes)} | 0);",
        "const block = kit.integers(16);",
        _keys("keys", "first"),
        "const found = kit.list();",
        "let hit = -1;",
        "for (let i = 0; i < groups; i++) {",
        *(line for lane in lanes for line in _spelled(lane)),
        *(line for lines in hashed for line in lines),
        *(line for place in reversed(range(len(lanes))) for line in _tested(place, lanes, words)),
        "if (hit >= 0) {",
        "break;",
        "}",
        "}",
        "if ((hit >= 0) & (hit < count)) {",
        _keys("again", "first + hit"),
        "kit.push(found, kit.key(again));",
        "}",
        "return {keys: found};",
        "})",
    ]
    return indented(lines)


def _keys(name: str, number: str) -> str:
    texts = ", ".join(f"literals[{place}]" for place in range(3))
    return f"const {name} = kit.keys(block, {texts}, size, {number}, big);"


def _spelled(lane: str) -> list[str]:
    """The words of the next key, which is then left behind."""
    return [*(f"const w{word}{lane} = block[{word}];" for word in range(16)), "kit.next(keys);"]


def _tested(place: int, lanes: str, words: range) -> list[str]:
    lane = lanes[place]
    same = " & ".join(f"(h{word}{lane} === t{word})" for word in words[1:])
    return [
        f"if (h0{lane} === t0) {{",
        f"if ({same}) {{",
        f"hit = i * {len(lanes)} + {place};",
        "}",
        "}",
    ]


@hookimpl
def grid_job_type() -> JobType:
    """hashSearch."""
    return HashSearch()
