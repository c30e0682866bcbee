"""This file is where the tables of credit stand: teams, and what a seal keeps back.

Volunteers and hosts carry their own sums (`people.py`), work units what they are worth and results
what they were granted (`work.py`).
"""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class TeamRow(SQLModel, table=True):
    """Volunteers under one name. Its sums are those of the volunteers that are in it now."""

    __tablename__ = "team"
    __table_args__ = (
        # leaderboards
        Index(
            "team_credit",
            "credit",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
        Index(
            "team_recent",
            "recent",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: int
    credit: int = 0
    recent: float = 0.0


class SealedCreditRow(SQLModel, table=True):
    """What a host has done for a job whose seal is shut; nobody sees what it was granted."""

    __tablename__ = "sealed_credit"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    host_id: int = Field(primary_key=True, foreign_key="host.id", index=True)
    #: Millionths of a credit that its answers would be worth if all were right.
    returned: int = 0
    #: Millionths that they were granted so far, and the same weighted by age.
    credit: int = 0
    recent: float = 0.0


class JobTypeCostRow(SQLModel, table=True):
    """What one unit of a job type's declared cost takes the server, measured on its own runs."""

    __tablename__ = "job_type_cost"
    job_type_digest: str = Field(primary_key=True)
    #: Picoseconds, for a row of one column may take less than a nanosecond.
    cost_ps: int
    measured_at: int
