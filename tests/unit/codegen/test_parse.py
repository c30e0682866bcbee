"""This file is where it is tested which conditions are read, and how the others are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid.codegen.condition import condition
from grid.codegen.errors import SpecError
from grid.codegen.parse import DEPTH_MAX, NODES_MAX, parse
from grid.codegen.tree import Call, ColumnRef, Literal
from grid.codegen.types import BOOLEAN, INTEGER, Kind
from grid.codegen.words import CHARACTERS_MAX, NESTING_MAX, TOKENS_MAX
from grid.items import Column, LogicalType, PhysicalType


def column(name: str, kind: str, physical: str) -> Column:
    return Column(name=name, type=LogicalType(kind), physical=PhysicalType(physical), nullable=True)


COLUMNS = (
    column("dep_delay", "int64", "int16"),
    column("price", "double", "double"),
    column("origin", "text", "dict8"),
    column("Note", "text", "utf8"),
    column("late", "boolean", "boolean"),
    column("a b", "int64", "int8"),
    column("Case", "int64", "int8"),
    column("case", "int64", "int8"),
    column("date", "int64", "int8"),
    column("text", "int64", "int8"),
)


@pytest.mark.parametrize(
    "same",
    [
        ("dep_delay > 60 AND origin = 'JFK'", "(DEP_DELAY > 60) and \"origin\" = 'JFK' -- fine"),
        ("dep_delay BETWEEN 1 AND 2 OR late", "((dep_delay BETWEEN 1 AND 2)) OR (late)"),
        ("NOT late AND late", "(NOT late) AND late"),
        ("late OR late AND NOT late", "late OR (late AND (NOT late))"),
        ("price + 1 * 2 - 3 > 0", "((price + (1 * 2)) - 3) > 0"),
        ("-price % 2 = 0", "((-price) % 2) = 0"),
        ("price = 1 IS NULL", "(price = 1) IS NULL"),
        ("Note NOT IN ('a', 'b')", "NOT Note IN ('a', 'b')"),
        ("Note NOT LIKE 'a%'", "NOT (note LIKE 'a%')"),
        ("dep_delay != 1", "dep_delay <> 1"),
        ("dep_delay == -5", "dep_delay = - (5)"),
        ('"a b" = 1', '"A B" = 1'),
        ("price = 1e3", "price = 1000.0e0"),
        ("date = 1 AND (text + 2) IN (3)", '"date" = 1 AND ("text" + 2) IN (3)'),
    ],
)
def test_two_spellings_are_one_tree(same: tuple[str, str]) -> None:
    assert parse(same[0], COLUMNS) == parse(same[1], COLUMNS)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("dep_dely > 60", 0, "did you mean 'dep_delay'"),
        ("late AND nothing = 1", 9, "no column 'nothing'"),
        ("late\nAND nothing = 1", 9, "no column 'nothing'"),
        ("dep_delay > 'x'", 0, "integer cannot be compared with text"),
        ("late AND origin < 3", 9, "text cannot be compared with integer"),
        ("late = 1", 0, "boolean cannot be compared with integer"),
        ("origin IN ('a', 1)", 0, "text cannot be compared with integer"),
        ("dep_delay", 0, "where needs a condition, and this is integer"),
        ("late AND price", 9, "AND needs a condition, and this is double"),
        ("NOT 'x'", 4, "NOT needs a condition, and this is text"),
        ("origin + 1 = 2", 0, "a + b does not take text, integer"),
        ("dep_delay LIKE 'x'", 15, "LIKE 'pattern' does not take integer, text"),
        ("origin LIKE Note", 12, "the pattern of LIKE must be a text in quotes"),
        ("price = 1e999", 8, "too large for a double"),
        ("CASE = 1", 7, "cannot be read near '1'"),
        ('"cAse" = 1', 0, "fits several columns"),
        ("dep_delay = 1 OR", 14, "cannot be read near 'OR'"),
        ("late)", 4, "cannot be read near ')'"),
        ("origin = 'x", 11, "not closed"),
        ("", None, "an expression is needed"),
        ("  \n ", None, "an expression is needed"),
        ("origin = '\ud800'", None, "half of a surrogate pair"),
        ("late = late = late", 0, "put parentheses around this"),
        ("dep_delay > 1 = late", 0, "put parentheses around this"),
        ("late; DROP TABLE x", 6, "cannot be read"),
        ("SELECT 1", 0, "cannot be read"),
        ("late AND (SELECT TRUE)", 0, "a query is not part of the language"),
        ("EXISTS (SELECT 1)", 15, "EXISTS is not part of the language"),
        ("dep_delay IN (SELECT 1)", 0, "IN needs a list of values"),
        ("dep_delay IN price", 0, "IN needs a list of values"),
        ("abs(origin) = 1", 0, "abs(x) does not take text"),
        ("abs(dep_delay, 1) = 1", 0, "abs(x) does not take 2 operands"),
        ("abs() = 1", 0, "abs(x) does not take 0 operands"),
        ("late AND DATE ('x') = 1", 9, "there is no function 'date'"),
        ('"late" (1)', 0, "a function's name has no quotes"),
        ("origin (late)", 0, "there is no function 'origin'"),
        ("late AND lowr(origin) = 'x'", 9, "there is no function 'lowr'; did you mean lower?"),
        ("late AND sum(dep_delay) = 1", 9, "there is no function 'sum'"),
        ("late AND 1 / 0 > 1", 9, "division by zero in /"),
        ("late AND dep_delay % (1 - 1) > 1", 9, "division by zero in %"),
        ("late AND 9223372036854775807 + 1 > 1", 9, "overflow in + of integer"),
        ("late AND CAST('x' AS BIGINT) > 1", 14, "no integer for this text"),
        ("late AND CAST(late AS DATE) > 1", 14, "boolean cannot be cast to date"),
        ("CAST(dep_delay AS BLOB) = 1", 5, "BLOB is no type here"),
        ("CAST(dep_delay AS DECIMAL(39,2)) = 1", 5, "DECIMAL(p,s) has 1 to 38 digits"),
        ("DATE '2020-02-30' = '2020-01-01'", 5, "'2020-02-30' is no date"),
        ("DATE '2020-02-29' = 'soon'", 5, "'soon' is no date"),
        ("extract(moon FROM DATE '2020-02-29') = 1", 23, "'moon' is no part of a date"),
        ("INTERVAL 1 DAY = INTERVAL 2 DAY", None, "an interval cannot be compared"),
        ("DATE '2020-02-29' + INTERVAL 1 MOON = NULL", 5, "is no interval"),
        ("round(price, dep_delay) = 1", 0, "operand 2 of round must be a number"),
        ("round(price, 999) = 1", 0, "digits are a whole number within ±300"),
        ("CASE WHEN dep_delay THEN 1 END = 1", 10, "WHEN needs a condition"),
        ("CASE WHEN late THEN 1 ELSE 'x' END = 1", 10, "have no type in common"),
        ("substr(origin, 'x') = 'x'", 0, "does not take text, text"),
        ("dep_delay || 1 = 'x'", 0, "|| joins texts"),
        ("1.00000000000000000000 * 1.00000000000000000000 = 1", 0, "has 40 digits behind"),
        ("late = 'x' (1)", 7, "( cannot stand behind this"),
        ("origin[1] = 'x'", 6, "[ is not part of the language"),
        ("load_file(origin) = 'x'", 0, "there is no function 'load_file'"),
        ("dep_delay::text[1] = 'x'", 15, "[ is not part of the language"),
        ("dep_delay::int[] = 'x'", 14, "[ is not part of the language"),
        ("origin ILIKE 'x'", 0, "ILIKE is not part of the language"),
        ("origin LIKE 'x' ESCAPE 'y'", 0, "ESCAPE is not part of the language"),
        ("origin ~ 'x'", 0, "a regular expression is not part of the language"),
        ("price IS DISTINCT FROM 1", 0, "IS DISTINCT FROM is not part of the language"),
        ("late IS TRUE", 0, "IS is followed by NULL or NOT NULL"),
        ("x.late", 0, "a.b names no column"),
        ("* = 1", 0, "* is not part of the language"),
        ("late = ?", 0, "a parameter is not part of the language"),
    ],
)
def test_a_condition_is_refused_at_its_place(text: str, position: int | None, says: str) -> None:
    with pytest.raises(SpecError) as refusal:
        parse(text, COLUMNS)
    assert refusal.value.pointer == "/where"
    assert says in refusal.value.message
    assert refusal.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "late",
        "(" * (NESTING_MAX + 1) + "late" + ")" * (NESTING_MAX + 1),
        "NOT " * 3_000 + "late",
        "- " * 3_000 + "1 = 1",
        "(NOT " * 300 + "late" + ")" * 300,
        "dep_delay IN " + "((" * 900,
        "price + " * 1_900 + "1 = 1",
        "price = " + "+".join(["1"] * (DEPTH_MAX + 2)),
        "late" + " AND late" * (NODES_MAX + 1),
        "dep_delay IN (" + ",".join(["1"] * (TOKENS_MAX // 2)) + ")",
        "late" + " " * CHARACTERS_MAX,
        "CASE WHEN " * 900,
        "[" * 900,
        "{'a': " * 900,
        "a[" * 900,
        "f(" * 900,
        "late AND (" * 500,
        "BIGINT (" * 20 + "late" + ")" * 20,
        "(late, DATE (" * 10 + "late" + "))" * 10,
        "ARRAY [" * 20 + "late" + "]" * 20,
        "late BETWEEN BLOB ARRAY " * 20 + "late",
        "( ` " * 20 + "late",
        "1" * 5_000 + " = 1",
        "f((a), (" * 20 + "late" + "))" * 20,
        "(CASE WHEN late THEN (late, " * 20 + "late" + ") END)" * 20,
        "CAST((late, " * 20 + "late" + ") AS DATE)" * 20,
        "late -> (" * 22 + "late" + ")" * 22,
        "(x, y) -> (" * 22 + "late" + ")" * 22,
        "STRUCT(" * 23 + "late" + ")" * 23,
        "x: (" * 23 + "late" + ")" * 23,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_exhausts_the_parser(text: str) -> None:
    with pytest.raises(SpecError):
        parse(text, COLUMNS)


def test_a_long_chain_within_the_limits_is_read() -> None:
    found = parse(" OR ".join(["late"] * 900), COLUMNS)
    assert len(found.args) == 900  # type: ignore[union-attr]


WORDS = """dep_delay price origin late "a AND OR NOT IN BETWEEN IS NULL LIKE ( ) , + - * / % = <> <
    >= 'x' 'it''s' ' " 1 2.5 1e5 CASE WHEN END SELECT FROM [ ] { } : :: ; -- /* . ? $1 @ # \\ ` f(
    interval date x'00' e'\\n' $$ map struct -> ->> || ~ ^ ** // & | TRUE ALL ANY SOME EXISTS
    ESCAPE COLLATE AT TIME ZONE OVER PARTITION BY AS USING TRY_CAST ARRAY LAMBDA"""


@settings(max_examples=max(500, settings().max_examples))
@given(st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        found = parse(text, COLUMNS)
    except SpecError as error:
        refusal = error
    else:
        assert found.kind in (Kind.BOOLEAN, Kind.NULL)
        return
    assert refusal.message
    assert refusal.position is None or 0 <= refusal.position <= len(text)


def test_criteria_mean_the_same_tree_as_sql() -> None:
    criteria = [
        {"col": 0, "operator": "<=", "value": 9},
        {"col": "origin", "operator": "==", "value": "O'Brien"},
        {"col": 1, "operator": ">", "value": 2.5},
    ]
    assert condition({"criterias": criteria}, COLUMNS) == parse(
        "dep_delay <= 9 AND origin = 'O''Brien' AND price > 2.5", COLUMNS
    )


@pytest.mark.parametrize(
    ("criterion", "pointer"),
    [
        ({"col": 99, "operator": "==", "value": 1}, "/criterias/1/col"),
        ({"col": "length", "operator": "==", "value": 1}, "/criterias/1/col"),
        ({"col": "__proto__", "operator": "==", "value": 1}, "/criterias/1/col"),
        ({"col": 0, "operator": "==", "value": "3"}, "/criterias/1/value"),
        ({"col": "origin", "operator": "==", "value": 3}, "/criterias/1/value"),
        ({"col": 0, "operator": "==", "value": float("inf")}, "/criterias/1/value"),
        ({"col": 0, "operator": "!=", "value": 3}, "/criterias/1/operator"),
    ],
)
def test_a_criterion_is_refused_by_its_field(criterion: dict[str, object], pointer: str) -> None:
    good = {"col": 0, "operator": "==", "value": 1}
    with pytest.raises(SpecError) as refusal:
        condition({"criterias": [good, criterion]}, COLUMNS)
    assert refusal.value.pointer == pointer


def test_a_column_is_found_exactly_before_it_is_found_in_another_case() -> None:
    assert parse('"Case" = 1', COLUMNS) == Call(
        "=", (ColumnRef(COLUMNS[6]), Literal(INTEGER, 1)), BOOLEAN
    )
    assert parse('"case" = 1', COLUMNS) == Call(
        "=", (ColumnRef(COLUMNS[7]), Literal(INTEGER, 1)), BOOLEAN
    )


def test_all_values_of_a_tree_stay_values() -> None:
    found = parse("origin = 'x' AND price = 1", COLUMNS)
    assert isinstance(found, Call)
    assert [item.op for item in found.args] == ["=", "="]  # type: ignore[union-attr]
