"""This file is where yesterday's logs are judged again by today's rules.

A history is what a simulated grid published, in each mode, with liars. A change of the rules that
turns one of its verdicts needs a new schema and a version of its own; nothing else makes this pass.
Record a further one with `python tests/histories/record.py MODE SEED`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from grid.cli import app
from grid.items import Mode
from grid.replay import Difference, histories

FOLDER = Path(__file__).parents[2] / "histories"
RECORDED = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_today_decides_as_it_was_decided(path: Path) -> None:
    said = histories(path.read_text(encoding="utf-8"))
    assert isinstance(said, int) and said > 0, said


def test_every_mode_has_a_history_with_liars_in_it() -> None:
    assert {path.stem.split("-")[0] for path in RECORDED} >= {str(mode) for mode in Mode}
    for path in RECORDED:
        if not path.stem.startswith("trusted"):
            assert '"validate_state":"invalid"' in path.read_text(encoding="utf-8")


def test_a_rewritten_history_is_found(tmp_path: Path) -> None:
    lines = RECORDED[0].read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        one = msgspec.json.decode(line)
        if one["kind"] == "verdict" and one["facts"]["canonical"]:
            one["facts"]["canonical"] = "0" * 64
            lines[place] = msgspec.json.encode(one).decode()
            break
    said = histories("\n".join(lines))
    assert isinstance(said, Difference) and said.place == place
    forged = tmp_path / "forged.jsonl"
    forged.write_text("\n".join(lines))
    same = CliRunner().invoke(app, ["replay", str(RECORDED[0])])
    assert same.exit_code == 0 and "all as today's rules decide" in same.stdout
    told = CliRunner().invoke(app, ["replay", str(RECORDED[0]), str(forged)])
    assert told.exit_code == 1 and f"entry {place} " in told.stdout


VERDICT = '{"kind":"verdict","facts":{"canonical":"aa","schema":1,"votes":'


@pytest.mark.parametrize(
    "text",
    ["{", '{"kind":1}', "[]", '{"kind":"verdict","facts":{"schema":1}}', VERDICT + "1}}",
     VERDICT + '[{"validate_state":"no"}]}}', '{"kind":"verdict","facts":{"schema":2}}'],
)  # fmt: skip
def test_what_is_no_history_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 1 is no entry"):
        histories(text)
    (tmp_path / "history").write_text(text)
    told = CliRunner().invoke(app, ["replay", str(tmp_path / "history")])
    assert told.exit_code == 2 and told.stderr.startswith("grid: ")
