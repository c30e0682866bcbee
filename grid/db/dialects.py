"""This file is where what SQLite and PostgreSQL spell differently gets one name.

Statements are written once; SQLAlchemy asks here how a database spells these functions. Numbers are
64 bits wide in both: SQLite's always are, and PostgreSQL's `integer` would end at 2³¹.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction
from sqlalchemy.types import TypeEngine

#: SQLAlchemy's name of the dialect that is not SQLite's.
POSTGRESQL = "postgresql"


@compiles(Integer, POSTGRESQL)
def _integer(_type: Integer, _compiler: Any, **_: Any) -> str:
    return "BIGINT"


class json_group_array(GenericFunction[str]):  # noqa: N801 - SQL's own name
    """The values of many rows as the text of one JSON array; `[]` for no row."""

    type = String()
    inherit_cache = True


@compiles(json_group_array, POSTGRESQL)
def _json_group_array(one: Any, compiler: Any, **how: Any) -> str:
    return f"CAST(coalesce(json_agg({compiler.process(one.clauses, **how)}), '[]') AS TEXT)"


class json_object(GenericFunction[str]):  # noqa: N801
    """One JSON object of names and values in turn."""

    inherit_cache = True


@compiles(json_object, POSTGRESQL)
def _json_object(one: Any, compiler: Any, **how: Any) -> str:
    return f"json_build_object({compiler.process(one.clauses, **how)})"


class json_array(GenericFunction[str]):  # noqa: N801
    """One JSON array."""

    inherit_cache = True


@compiles(json_array, POSTGRESQL)
def _json_array(one: Any, compiler: Any, **how: Any) -> str:
    return f"json_build_array({compiler.process(one.clauses, **how)})"


class json(GenericFunction[str]):  # noqa: N801
    """A text that is JSON, as part of more JSON."""

    inherit_cache = True


@compiles(json, POSTGRESQL)
def _json(one: Any, compiler: Any, **how: Any) -> str:
    return f"CAST({compiler.process(one.clauses, **how)} AS JSON)"


class json_each(GenericFunction[int]):  # noqa: N801
    """The integers of a JSON array, a row each, as the column `value`."""

    inherit_cache = True


@compiles(json_each, POSTGRESQL)
def _json_each(one: Any, compiler: Any, **how: Any) -> str:
    text = compiler.process(one.clauses, **how)
    numbers = f"CAST(translate(CAST({text} AS TEXT), '[]', '{{}}') AS BIGINT[])"
    return f"(SELECT unnest({numbers}) AS value)"


class json_text(FunctionElement[str]):  # noqa: N801
    """JSON that is not part of more JSON: its text."""

    type = String()
    name = "json_text"
    inherit_cache = True


@compiles(json_text)
def _json_text(one: Any, compiler: Any, **how: Any) -> str:
    return str(compiler.process(one.clauses, **how))


@compiles(json_text, POSTGRESQL)
def _json_text_cast(one: Any, compiler: Any, **how: Any) -> str:
    return f"CAST({compiler.process(one.clauses, **how)} AS TEXT)"


class number_in(FunctionElement[int]):  # noqa: N801
    """The whole number under a name, the second argument, in a JSON object; NULL without any."""

    type = BigInteger()
    name = "number_in"
    inherit_cache = True


@compiles(number_in)
def _number_in(one: Any, compiler: Any, **how: Any) -> str:
    source, name = (compiler.process(clause, **how) for clause in one.clauses)
    return f"json_extract({source}, '$.' || {name})"


@compiles(number_in, POSTGRESQL)
def _number_in_cast(one: Any, compiler: Any, **how: Any) -> str:
    source, name = (compiler.process(clause, **how) for clause in one.clauses)
    return f"CAST(CAST(({source} ->> {name}) AS NUMERIC) AS BIGINT)"


class _Extreme(FunctionElement[Any]):
    """Of values none of which is NULL."""

    inherit_cache = True

    def __init__(self, *clauses: Any, **kwargs: Any) -> None:
        super().__init__(*clauses, **kwargs)
        self.type: TypeEngine[Any] = next(iter(self.clauses)).type


class greatest(_Extreme):  # noqa: N801
    """The largest of its arguments."""

    name = "greatest"
    inherit_cache = True


class least(_Extreme):  # noqa: N801
    """The smallest of its arguments."""

    name = "least"
    inherit_cache = True


@compiles(greatest)
def _greatest(one: Any, compiler: Any, **how: Any) -> str:
    return f"max({compiler.process(one.clauses, **how)})"


@compiles(least)
def _least(one: Any, compiler: Any, **how: Any) -> str:
    return f"min({compiler.process(one.clauses, **how)})"


@compiles(greatest, POSTGRESQL)
def _greatest_itself(one: Any, compiler: Any, **how: Any) -> str:
    return f"greatest({compiler.process(one.clauses, **how)})"


@compiles(least, POSTGRESQL)
def _least_itself(one: Any, compiler: Any, **how: Any) -> str:
    return f"least({compiler.process(one.clauses, **how)})"


class place_of(FunctionElement[int]):  # noqa: N801
    """Where a text, the second argument, stands first in another; 1 for its beginning, 0 for
    nowhere."""

    type = BigInteger()
    name = "place_of"
    inherit_cache = True


@compiles(place_of)
def _place_of(one: Any, compiler: Any, **how: Any) -> str:
    return f"instr({compiler.process(one.clauses, **how)})"


@compiles(place_of, POSTGRESQL)
def _place_of_strpos(one: Any, compiler: Any, **how: Any) -> str:
    return f"strpos({compiler.process(one.clauses, **how)})"


class joined(FunctionElement[str]):  # noqa: N801
    """The texts of many rows, one after another."""

    type = String()
    name = "joined"
    inherit_cache = True


@compiles(joined)
def _joined(one: Any, compiler: Any, **how: Any) -> str:
    return f"group_concat({compiler.process(one.clauses, **how)})"


@compiles(joined, POSTGRESQL)
def _joined_by_comma(one: Any, compiler: Any, **how: Any) -> str:
    return f"string_agg({compiler.process(one.clauses, **how)}, ',')"


class database_now(FunctionElement[int]):  # noqa: N801
    """Seconds since 1970-01-01 UTC, by the database's clock: one for all processes."""

    type = BigInteger()
    name = "database_now"
    inherit_cache = True


@compiles(database_now)
def _database_now(_one: Any, _compiler: Any, **_: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(database_now, POSTGRESQL)
def _database_now_epoch(_one: Any, _compiler: Any, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)"


#: What kind of values a place of a set of rows holds; PostgreSQL asks, SQLite does not.
ARRAY_TYPES = {int: "BIGINT[]", float: "FLOAT[]", str: "TEXT[]", bool: "BOOLEAN[]"}


def kind_of(column_type: TypeEngine[Any]) -> type:
    """What a column's values are, as a set of rows carries them."""
    for known, kind in ((Boolean, bool), (Float, float), (Integer, int)):
        if isinstance(column_type, known):
            return kind
    return str
