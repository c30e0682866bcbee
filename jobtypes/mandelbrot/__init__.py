"""This package is where mandelbrot stands: bands of a picture, put together into a PNG."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    COST_MAX,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    hookimpl,
)

#: What a step takes a browser of 2024; a pixel's own start is some ten of them.
STEP_NS = 3
START_STEPS = 10
#: A pixel seldom stays for all the steps that it may: half of it is a good guess for a whole set.
STAY_SHARE = 0.5
#: Bytes of a band: an answer of 60 kB in base64.
BAND_BYTES_MAX = 45_000
CENTRE, ACROSS, ITERATIONS = (-0.75, 0.0), 3.5, 1000

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const width = kit.times(literals[0]);
  const limit = kit.times(literals[1]);
  const left = kit.double(literals[2]);
  const top = kit.double(literals[3]);
  const step = kit.double(literals[4]);
  const band = inputs[0];
  const first = band.first;
  const count = band.rows;
  const pixels = kit.bytes(width * count);
  const size = pixels.length;
  for (let j = 0; j < count; j++) {
    const fixedimaginary = top - (first + j) * step;
    for (let i = 0; i < width; i++) {
      const fixedreal = left + i * step;
      let real = 0;
      let imaginary = 0;
      for (let n = 0; n < limit; n++) {
        const squared = real * real;
        const other = imaginary * imaginary;
        if (squared + other > 4) {
          pixels[(j * width + i) | 0] = 1 + (n - 1) % 255;
          break;
        }
        imaginary = 2 * real * imaginary + fixedimaginary;
        real = squared - other + fixedreal;
      }
    }
  }
  return {pixels: kit.base64(pixels, size)};
})
"""


class Mandelbrot(JobType):
    """A point is a row of the picture; a work unit's answer is a band."""

    over_dataset = False
    media: Mapping[str, str] = {"png": "image/png"}

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        steps = STAY_SHARE * int(spec["width"]) * (_iterations(spec) + START_STEPS)
        return Points(
            count=int(spec["height"]),
            point_ns=int(steps * STEP_NS),
            per_workunit_max=BAND_BYTES_MAX // int(spec["width"]),
        )

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """Each `row` of the picture from the top down, and its `pixels` in base64."""
        whole, text = LogicalType.INT64, LogicalType.TEXT
        return (
            Column(name="row", type=whole, physical=PhysicalType.INT64, nullable=False),
            Column(name="pixels", type=text, physical=PhysicalType.UTF8, nullable=False),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        corner = (struct.pack(">d", value).hex() for value in _corner(spec))
        return {"literals": [str(int(spec["width"])), str(_iterations(spec)), *corner]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        left, top, step = _corner(spec)
        pixels = bytes(
            _pixel(left + x * step, top - cast("int", y) * step, _iterations(spec))
            for y in chunks[0]["index"]
            for x in range(int(spec["width"]))
        )
        return {"pixels": base64.b64encode(pixels).decode()}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            pixels = base64.b64decode(output["pixels"], validate=True)
        except binascii.Error as error:
            raise OutputError(f"/pixels: {error}") from error
        if len(pixels) != rows[0] * int(spec["width"]):
            raise OutputError("/pixels: not a byte for each pixel")

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """The steps that its pixels may take."""
        steps = rows[0] * int(spec["width"]) * (_iterations(spec) + START_STEPS)
        return min(max(1, steps), COST_MAX)

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return None

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        band, width = base64.b64decode(part.output["pixels"]), int(spec["width"])
        rows = [band[at : at + width] for at in range(0, len(band), width)]
        numbers = range(part.first_chunk, part.first_chunk + len(rows))
        spelled = [base64.b64encode(one).decode() for one in rows]
        batch = pa.record_batch(
            [pa.array(numbers, pa.int64()), pa.array(spelled, pa.utf8())],
            names=["row", "pixels"],
        )
        return Merged(state=state, rows=batch)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state)

    def render(
        self, kind: str, spec: Json, columns: Sequence[Column], rows: Iterable[pa.RecordBatch]
    ) -> Iterator[bytes]:
        """The picture as a PNG."""
        pixels = (one for batch in rows for one in batch.column("pixels").to_pylist())
        rows_down = (base64.b64decode(one) for one in pixels)
        return png(int(spec["width"]), int(spec["height"]), rows_down)


def png(width: int, height: int, rows: Iterable[bytes]) -> Iterator[bytes]:
    """A PNG of pixels that are places in a palette, in parts (W3C, Portable Network Graphics, 3rd
    edition, sections 5 and 11); rows come from the top down."""
    yield bytes((137, 80, 78, 71, 13, 10, 26, 10))
    depth, indexed = 8, 3
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, indexed, 0, 0, 0))
    yield _chunk(b"PLTE", bytes(value for colour in map(_colour, range(256)) for value in colour))
    packer = zlib.compressobj()
    for row in rows:
        packed = packer.compress(b"\0" + row)
        if packed:
            yield _chunk(b"IDAT", packed)
    yield _chunk(b"IDAT", packer.flush())
    yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _colour(value: int) -> tuple[int, int, int]:
    """Black for the set; blue where points leave soon, then brighter and darker in turns."""
    if value == 0:
        return 0, 0, 0
    wave = 255 - abs((12 * value + 90) % 510 - 255)
    return wave * value // 255, wave * (255 + value) // 510, wave * (510 - value) // 510


def _corner(spec: Mapping[str, Json]) -> tuple[float, float, float]:
    """The middle of the first pixel, and from one pixel to the next."""
    real, imaginary = spec.get("centre", CENTRE)
    step = spec.get("across", ACROSS) / int(spec["width"])
    left = real - step * (int(spec["width"]) - 1) / 2
    return left, imaginary + step * (int(spec["height"]) - 1) / 2, step


def _pixel(real: float, imaginary: float, iterations: int) -> int:
    z, c = 0j, complex(real, imaginary)
    for number in range(iterations):
        squares = z.real * z.real, z.imag * z.imag
        if sum(squares) > 4:
            return 1 + (number - 1) % 255
        z = complex(squares[0] - squares[1] + c.real, 2 * z.real * z.imag + c.imag)
    return 0


def _iterations(spec: Mapping[str, Json]) -> int:
    return int(spec.get("iterations", ITERATIONS))


@hookimpl
def grid_job_type() -> JobType:
    """mandelbrot."""
    return Mandelbrot()
