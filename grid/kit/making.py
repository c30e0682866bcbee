"""This file is where a new job type is written: a folder that keeps to the contract as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grid.plugins.loader import Found
from grid.plugins.manifest import NAME

TEMPLATE = Path(__file__).parent / "template"
#: What the template's job type is called; the copy has the new name in its place.
CALLED = "newJobType"
#: The one file that goes beside the folder: tools leave traces beside a test, and each trace in the
#: folder would be another digest.
TEST = "test_template.py"
#: The same as a class of Python.
CLASS = "NewJobType"


class NotMade(Exception):
    """A job type that was not made; says why. Nothing was written."""


def make(name: str, into: Path, there: Iterable[Found]) -> tuple[Path, ...]:
    """Write the folder `into/name` and a test beside it; the paths of all files, in order.

    `there` are the job types that there are already. Raises NotMade.
    """
    if not NAME.fullmatch(name):
        raise NotMade(f"{name!r} is no name: letters and digits, at most 40, a letter first")
    taken = {one.manifest.name.lower(): one for one in there}.get(name.lower())
    if taken is not None:
        raise NotMade(f"{name}: there is a job type {taken.manifest.name}, in {taken.folder}")
    folder, test = into / name, into / f"test_{name}.py"
    for path in (folder, test):
        if path.exists():
            raise NotMade(f"{path} is there already, and nothing is overwritten")
    written = []
    try:
        for source in sorted(TEMPLATE.rglob("*")):
            if source.is_dir() or "__pycache__" in source.parts:
                continue
            inside = source.relative_to(TEMPLATE)
            target = test if inside.name == TEST else folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(source.read_text("utf-8"), name), "utf-8")
            written.append(target)
    except OSError as error:
        raise NotMade(f"{error.filename}: {error.strerror}") from error
    return tuple(written)


def _renamed(text: str, name: str) -> str:
    return text.replace(CALLED, name).replace(CLASS, name[0].upper() + name[1:])
