"""This file is where the docs fail when they say less, or anything else, than the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from docs import generate
from grid import settings, states
from grid.items import Policy
from grid.plugins import hookspecs

ROOT = Path(__file__).parents[3]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*.md"),
         *ROOT.glob("jobtypes/*/README.md"), *ROOT.glob("web/client/*.md")]  # fmt: skip
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """The places of a page that a link can name, as GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def table_words(page: str) -> set[str]:
    """Every word in backquotes."""
    return set(re.findall(r"`([^`\s]+)`", page))


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name)
def test_what_is_generated_is_as_the_code_says(page: Path) -> None:
    text = read(page)
    assert generate.render(text) == text, "run `make docs`"


def test_every_generated_part_stands_on_one_page() -> None:
    text = "".join(read(page) for page in ROOT.glob("docs/*.md"))
    found = [block["name"] for block in generate.BLOCK.finditer(text)]
    assert sorted(found) == sorted(generate.BLOCKS)


def test_a_stale_page_is_told_from_a_fresh_one() -> None:
    fresh = read("docs/life-of-a-work-unit.md")
    stale = fresh.replace("unsent --> in_progress", "unsent --> somewhere")
    assert stale != fresh
    assert generate.render(stale) == fresh


def test_every_setting_is_in_the_docs_with_its_reason() -> None:
    page = read("docs/settings.md")
    said = generate.said_of(settings.Settings)
    for name in settings.Settings.model_fields:
        assert f"`{settings.variable_of(name)}`" in page
        assert said[name], f"{name} has no #: line"


def test_every_hook_is_in_the_docs() -> None:
    page = read("docs/job-types.md")
    hooks = [name for name in vars(hookspecs) if name.startswith("grid_")]
    assert hooks
    assert not [name for name in hooks if f"`{name}(" not in page]


def test_every_route_says_what_it_does() -> None:
    rows = re.findall(r"^\| `([A-Z]+ /\S*)` \| (.*) \|$", read("docs/http.md"), re.MULTILINE)
    assert {"POST /api/v1/jobs", "POST /api/v1/work"} <= {route for route, _ in rows}
    assert not [route for route, said in rows if not said]


def test_every_state_and_every_policy_field_is_in_the_glossary() -> None:
    words = table_words(read("docs/glossary.md"))
    assert {*states.MOVES, *msgspec.structs.asdict(Policy())} <= words


def test_every_move_is_drawn() -> None:
    page = read("docs/life-of-a-work-unit.md")
    for legal in states.MOVES.values():
        for before, targets in legal.items():
            assert not [to for to in targets if f"    {before.value} --> {to.value}\n" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = CODE.sub("", read(page))
    for target in [match["target"] for match in LINK.finditer(text)]:
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


def test_every_make_target_that_is_named_exists() -> None:
    makefile = read("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)\b", read(page), re.MULTILINE))
        assert named <= targets, page
