"""This file is where a Core statement is compiled once and then runs on the driver itself.

SQLAlchemy's own execution costs more than SQLite does for what the hot path asks; below it, the
statement runs on the same connection, in the same transaction, with the same bound parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, Connection

from grid.db.dialects import POSTGRESQL


class Prepared:
    """A statement whose parameters are numbers and texts."""

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement
        #: By the name of the dialect: the text, its parameters, and those that never differ.
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def rows(self, connection: Connection, **given: object) -> list[Any]:
        """Run it; every row of the answer."""
        driver: Any = connection.connection.dbapi_connection
        return list(driver.execute(*self.bound(connection, given)).fetchall())

    def scalar(self, connection: Connection, **given: object) -> Any:
        """Run it; the first field of its one row."""
        return self.rows(connection, **given)[0][0]

    def bound(self, connection: Connection, given: Mapping[str, object]) -> tuple[str, Any]:
        """Its text, and its parameters as the driver wants them: by place, or by name."""
        dialect = connection.dialect.name
        text, names, fixed = self._compiled.get(dialect) or self._compile(connection)
        if dialect == POSTGRESQL:
            return text, {**fixed, **given}
        return text, [given[name] if name in given else fixed[name] for name in names]

    def _compile(self, connection: Connection) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        compiled: Any = self.statement.compile(dialect=connection.dialect)
        done = str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params)
        self._compiled[connection.dialect.name] = done
        return done
