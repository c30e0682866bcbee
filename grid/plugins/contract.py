"""This file is where a job type learns what it must provide, and what it may be told.

A job type is pure: it sees a checked spec, the data set's columns, and chunks as Python lists; it
reads no clock, network or file. Errors it raises become a 4xx for the requester (`SpecError`), a
refused report for a volunteer (`OutputError`), or a failed job (anything else).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pluggy
import pyarrow as pa
from msgspec import Struct

from grid.codegen.errors import SpecError as SpecError
from grid.comparators import Comparator, by_digest
from grid.items import Column, Json
from grid.plugins.points import Points as Points
from grid.plugins.points import index_column as index_column

#: Marks the functions of a plugin that implement a hook of `grid.plugins.hookspecs`.
hookimpl = pluggy.HookimplMarker("grid")

#: What a work unit may cost, as declared: credit for it still fits 64 bits.
COST_MAX = 10**12

#: An output travels inside its report, and lies in the database, up to this size; a larger one is
#: put first, and lies in a file. 64 KiB is a bitmap over half a million rows.
INLINE_BYTES_MAX = 64 * 1024
#: No job type's outputs may be larger: reading one takes the server some 0.1 s and 50 MB.
OUTPUT_BYTES_LIMIT = 8 << 20

#: One chunk as the reference sees it: column name → Python values (int, float, bool, str, None).
#: Of a job that counts points the first one is of these: `index`, the range of their numbers, and
#: `first_rows`, the number in the data set of the first row of each chunk behind it.
Chunk = Mapping[str, Sequence[object]]


class OutputError(Exception):
    """An output that no honest run of the program can produce."""


class Part(Struct, frozen=True, kw_only=True):
    """One decided work unit on its way into the output."""

    ordinal: int
    #: First chunk of the work unit (first point, where points are counted), and the rows of each
    #: of its chunks (how many points, then the rows of the chunks it needs).
    first_chunk: int
    rows: tuple[int, ...]
    #: Where points are counted: the number of the first row of each chunk that it needs.
    first_rows: tuple[int, ...] = ()
    #: The canonical output, parsed.
    output: Json
    #: Reads the named columns of the unit's chunks again, one batch a chunk, in order.
    source: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


class Merged(Struct, frozen=True, kw_only=True):
    """What folding one part gave: the new state, and rows that are final already."""

    #: Canonical JSON: no floats. Kept between parts, across restarts.
    state: Json
    rows: pa.RecordBatch | None = None
    #: At the end, how many rows (points, pairs) had no value in something that was asked of them,
    #: and were counted as the spec wanted instead of failing the job.
    failed: int = 0


class Quiz(Struct, frozen=True, kw_only=True):
    """Input made up by the server, so that it knows the answer before it asks."""

    #: The columns of `reads`, chunk by chunk; each value as its column could hold it.
    chunks: tuple[Chunk, ...]
    #: What an honest host answers.
    output: Json


class JobType(ABC):
    """A kind of computation that requesters may ask for.

    `columns` is always the data set's whole schema; `spec` has passed the folder's JSON Schema.
    Properties that the schema marks `"writeOnly": true`, texts at its top level, are secrets: they
    are in the spec of `reference` and `verify` alone, and a program finds them as the last of its
    literals, in the schema's order. Such a job is computed by trusted hosts of its own account.
    """

    #: No output may have more bytes as canonical JSON: programs fail at it, reports are refused.
    #: Above INLINE_BYTES_MAX only where `compare` does not read outputs.
    output_bytes_max: int = INLINE_BYTES_MAX

    #: Whether its jobs are over a data set. Without one `columns` are none, and it counts points.
    over_dataset: bool = True

    @abstractmethod
    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        """Names of the columns the program reads, in the order it gets them.

        This is the whole check of a spec against a data set. Raises SpecError.
        """

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points | None:
        """What the job counts through; None for its data set's chunks. Raises SpecError.

        `rows` are those of each chunk of the data set. A work unit is then a run of points, made
        anew from their numbers wherever they are needed. Its first input is a chunk with the one
        column `index_column`, and behind it come the `chunks_needed` for those points. Wherever
        else this contract says `rows` or `chunks`, the points come first.
        """
        return None

    def chunks_needed(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], first: int, count: int
    ) -> Sequence[int]:
        """Which chunks of the data set the points `first` to `first + count − 1` need; `rows` are
        those of each. All of them where a job type says nothing else."""
        return range(len(rows))

    @abstractmethod
    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns of the assembled output."""

    @abstractmethod
    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        """The JavaScript for every work unit of the job: one function expression (`codegen`)."""

    @abstractmethod
    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        """What the program gets as data: every value of the spec that it needs. No floats."""

    @abstractmethod
    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        """The output for one work unit, computed in Python by other code than the program.

        By `compare` it is the program's answer: equal to the byte, unless that allows more.
        """

    @abstractmethod
    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """Raise OutputError unless `output` could be the answer for chunks of so many rows.

        Runs on every report, after the folder's output schema: it must be quick and may not
        assume honesty.
        """

    #: When two outputs are the same answer. Wherever programs answer alike to the last bit it is
    #: `by_digest`; `Within` and `Unordered` are for those that cannot.
    compare: Comparator = by_digest

    #: Whether `verify` ever says anything but None.
    verifies: bool = False

    def verify(
        self,
        spec: Json,
        columns: Sequence[Column],
        rows: Sequence[int],
        chunks: Sequence[Chunk],
        output: Json,
    ) -> bool | None:
        """Whether the input proves `output` right, for answers cheaper to check than to compute.

        True: right, and no other copy is needed. False: wrong, and so is every equal answer. None:
        cannot say, and copies are compared as usual. `rows` are those of each chunk, `chunks` the
        columns of `reads`; the output has passed `check_output`, and may be a liar's all the same.
        """
        return None

    def provable(self, spec: Json, output: Json) -> bool:
        """Whether `verify` says True or False of this output, never None.

        Asked of every output that passed `check_output`: it must be quick. The server then checks
        the work unit's first answer at once, within the job's budget for its own runs.
        """
        return self.verifies

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """What chunks of so many rows cost to compute, in units of the job type's own; at least 1.

        Credit follows it, times what a unit takes as measured: only proportions matter. It must
        not depend on anything that whoever submits could claim.
        """
        return max(1, sum(rows) * len(self.reads(spec, columns)))

    def output_bytes(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """How many bytes the output for chunks of so many rows has, at most or as a rule.

        Work units are cut so that it stays within `output_bytes_max`. More rows never mean less.
        """
        return 0

    #: Whether one wrong work unit makes the whole output wrong, as the least value of all: its jobs
    #: are `strict` where nobody says how sure they are to be. Those that stop early are as well.
    one_decides: bool = False

    #: Whether `enough` ever says True.
    stops_early: bool = False

    def enough(self, spec: Json, output: Json) -> bool:
        """Whether this answer makes all other work units needless.

        Asked of every output that passed `check_output`: it must be quick. The server checks such
        an answer at once, by `verify` where that can say; when it stands the job ends. Its output
        is then the fold of what was folded so far, and of this answer.
        """
        return False

    def unsolved(self, spec: Json, output: Json) -> bool:
        """Whether `output` says that the host has not solved its work unit.

        Such a copy is neither a vote nor an error: another host gets one, and nobody is blamed.
        "There is no solution" is an answer like any other. `reference` never gives an unsolved
        output, and `check_output` accepts one.
        """
        return False

    def quiz(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], seed: int
    ) -> Quiz | None:
        """A work unit of chunks of so many rows whose answer is known; None if there is none.

        The same seed gives the same quiz, another seed another one. It must look like the data: a
        host that tells a quiz from other work cheats only on the rest. Texts of a column that is
        stored with a dictionary must be in that dictionary, so a job type that does not know them
        gives None.
        """
        return None

    #: Further formats of the output, beside CSV and JSON: name → media type, such as
    #: `{"png": "image/png"}`.
    media: Mapping[str, str] = {}

    def render(
        self, kind: str, spec: Json, columns: Sequence[Column], rows: Iterable[pa.RecordBatch]
    ) -> Iterator[bytes]:
        """The output's rows as one of `media`, a piece at a time."""
        raise ValueError(f"this job type makes no {kind}")

    @abstractmethod
    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        """The state before the first part."""

    @abstractmethod
    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        """Fold one part into the state; parts come in order, each once."""

    @abstractmethod
    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        """The rows that are known only at the end."""
