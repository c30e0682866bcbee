"""This file is where it stands how a table's fields are spelled: enums as checked text."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, ColumnElement, Table, literal_column
from sqlmodel import SQLModel


def one_of(field: str, values: type[StrEnum]) -> CheckConstraint:
    """A field that holds one of these texts."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{field} IN ({listed})", name=f"{field}_known")


def spelled(state: StrEnum) -> ColumnElement[str]:
    """A state written into the statement: a partial index serves no bound parameter."""
    return literal_column(f"'{state.value}'")


def table(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table behind a model."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
