"""This file is where the parts of docs/ are written that only repeat what the code says.

`make docs` puts them between `<!-- generated: name -->` and `<!-- end -->`; a test fails while a
page says anything else than the code.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Integer

from grid import settings, states
from grid.codegen.differences import DIFFERENCES
from grid.codegen.grammar import RULES
from grid.codegen.rule import ANY, MOMENT, NUMBER
from grid.codegen.types import Kind
from grid.db.record.schema import metadata
from grid.plugins import hookspecs
from web.app import create_app
from web.controllers.datasets import OPTIONS

PAGES = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
#: Which enum a field of `MOVES` holds.
ENUMS: Mapping[str, type[Enum]] = {
    "server_state": states.ServerState,
    "outcome": states.Outcome,
    "validate_state": states.ValidateState,
    "assimilate_state": states.AssimilateState,
    "file_delete_state": states.FileDeleteState,
    "job_state": states.JobState,
}


def said_of(owner: type) -> Mapping[str, str]:
    """The `#:` lines above each value in a top-level class's body; "" where there are none."""
    lines, _ = inspect.getsourcelines(owner)
    tree = ast.parse("".join(lines))
    said = {}
    for item in next(each for each in tree.body if isinstance(each, ast.ClassDef)).body:
        if isinstance(item, ast.Assign | ast.AnnAssign):
            target = item.target if isinstance(item, ast.AnnAssign) else item.targets[0]
            said[ast.unparse(target)] = " ".join(_comment_above(lines, item.lineno - 1))
    return said


def _comment_above(lines: list[str], at: int) -> list[str]:
    found: list[str] = []
    while at > 0 and lines[at - 1].strip().startswith("#:"):
        at -= 1
        found.insert(0, lines[at].strip().removeprefix("#:").strip())
    return found


def moves() -> Iterator[str]:
    """A graph for each field, and a table of what its states mean."""
    for field, legal in states.MOVES.items():
        owner = ENUMS[field]
        yield f"### `{field}`"
        yield from ("", (inspect.getdoc(owner) or "").replace("\n", " "), "")
        yield from ("```mermaid", "stateDiagram-v2")
        first = next(iter(owner))
        yield f"    [*] --> {first.value}"
        for member in owner:
            targets = legal.get(member, frozenset())  # type: ignore[call-overload]
            for target in sorted(targets, key=list(owner).index):
                yield f"    {member.value} --> {target.value}"
            if not targets:
                yield f"    {member.value} --> [*]"
        yield from ("```", "", "| state | meaning |", "|---|---|")
        said = said_of(owner)
        for member in owner:
            plain = "The beginning." if member is first else "As the name says."
            yield f"| `{member.value}` | {said[member.name] or plain} |"
        yield ""


def environment() -> Iterator[str]:
    """A row for each setting: variable, default, what it chooses and why."""
    yield from ("| variable | default | what it chooses, and why so |", "|---|---|---|")
    said = said_of(settings.Settings)
    for name, field in settings.Settings.model_fields.items():
        default = field.default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        spelled = f"`{shown}`" if shown else "empty"
        yield f"| `{settings.variable_of(name)}` | {spelled} | {said[name]} |"


def hooks() -> Iterator[str]:
    """A row for each hook a plugin may implement."""
    yield from ("| hook | what it does |", "|---|---|")
    for name, hook in vars(hookspecs).items():
        if callable(hook) and name.startswith("grid_"):
            signature = str(inspect.signature(hook)).replace("'", "")
            yield f"| `{name}{signature}` | {(inspect.getdoc(hook) or '').partition(chr(10))[0]} |"


def grammar() -> Iterator[str]:
    """A row for each operator and function of the language."""
    yield from ("| expression | of | is | a row can fail by |", "|---|---|---|---|")
    for rule in RULES.values():
        takes = "; ".join(
            dict.fromkeys(", ".join(_kinds(each) for each in one) for one in rule.takes)
        )
        spelled = rule.spelled.replace("|", "\\|")
        yield f"| `{spelled}` | {takes} | {rule.says.replace('|', chr(92) + '|')} | {rule.fails} |"


def _kinds(kinds: frozenset[Kind]) -> str:
    names = {NUMBER: "number", MOMENT: "date or timestamp", ANY: "any"}
    return names.get(kinds) or " or ".join(sorted(kinds))


def differences() -> Iterator[str]:
    """A row for each construct that means something else here than in DuckDB."""
    yield from ("| construct | DuckDB | Grid, and why |", "|---|---|---|")
    for construct, (there, here) in DIFFERENCES.items():
        yield f"| `{construct}` | {there} | {here} |"


def routes() -> Iterator[str]:
    """A row for each route of our own, with the first paragraph of its handler."""
    yield from ("| route | what it does |", "|---|---|")
    with TemporaryDirectory() as folder:
        app = create_app(settings.Settings(data_dir=Path(folder)))
    rows = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            function = getattr(handler.fn, "func", handler.fn)  # a sync handler comes wrapped
            if function.__module__.startswith("web."):
                said = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
                rows += [(route.path_format, each, said) for each in handler.http_methods]
    for path, method, said in sorted(rows):
        if method != "HEAD":
            yield f"| `{method} {path}` | {said} |"


def upload() -> Iterator[str]:
    """A row for each thing that the query of an upload may say."""
    yield from ("| query | meaning |", "|---|---|")
    for name, said in OPTIONS.items():
        yield f"| `{name}` | {said} |"


def record() -> Iterator[str]:
    """The tables of the public record, column by column."""
    for name, one in metadata.tables.items():
        yield from ("", f"### `{name}`", "", f"{one.comment}", "")
        yield from ("| column | type | meaning |", "|---|---|---|")
        for column in one.columns:
            kind = "integer" if isinstance(column.type, Integer) else "text"
            yield f"| `{column.name}` | {kind} | {column.comment} |"


BLOCKS: Mapping[str, Callable[[], Iterator[str]]] = {
    "moves": moves,
    "settings": environment,
    "hooks": hooks,
    "grammar": grammar,
    "differences": differences,
    "routes": routes,
    "upload": upload,
    "record": record,
}


def render(page: str) -> str:
    """The page with every generated part written anew; raises KeyError for an unknown name."""
    return BLOCK.sub(
        lambda block: "\n".join([block[1], *BLOCKS[block["name"]](), "", block[3]]), page
    )


def main() -> None:
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        path.write_text(render(text), encoding="utf-8")


if __name__ == "__main__":
    main()
