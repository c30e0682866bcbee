"""This file is where the tables stand.

Enums are checked text, times whole seconds UTC, ids integers; public ids exist outside only.
An index says which query it serves.
"""

from __future__ import annotations

from grid.db.tables.base import (
    spelled,
    table,
)
from grid.db.tables.credit import (
    JobTypeCostRow,
    SealedCreditRow,
    TeamRow,
)
from grid.db.tables.embedding import (
    EmbedScriptRow,
    NoteRow,
    SiteRow,
)
from grid.db.tables.house import (
    CheckRow,
    DaemonLeaseRow,
    DeedRow,
    JobTypeSpeedRow,
    OutboxRow,
    PluginRow,
    RequesterShareRow,
)
from grid.db.tables.log import LeafRow, LogKeyRow
from grid.db.tables.people import (
    AccountRow,
    AuditorRow,
    HostRow,
    IdempotencyRow,
    PrefixKeyRow,
    QuarantineRow,
    ReviewRow,
    TokenRow,
    VolunteerRow,
)
from grid.db.tables.work import (
    ChunkColumnRow,
    DataSetRow,
    JobRow,
    MergeRow,
    OutputPartRow,
    OutputRow,
    PutOutputRow,
    QuizColumnRow,
    ResultRow,
    SecretRow,
    WorkUnitRow,
)

__all__ = [
    "AccountRow",
    "AuditorRow",
    "CheckRow",
    "ChunkColumnRow",
    "DaemonLeaseRow",
    "DataSetRow",
    "DeedRow",
    "EmbedScriptRow",
    "HostRow",
    "IdempotencyRow",
    "JobRow",
    "JobTypeCostRow",
    "JobTypeSpeedRow",
    "LeafRow",
    "LogKeyRow",
    "MergeRow",
    "NoteRow",
    "OutboxRow",
    "OutputPartRow",
    "OutputRow",
    "PluginRow",
    "PrefixKeyRow",
    "PutOutputRow",
    "QuizColumnRow",
    "QuarantineRow",
    "RequesterShareRow",
    "ResultRow",
    "ReviewRow",
    "SealedCreditRow",
    "SecretRow",
    "SiteRow",
    "TeamRow",
    "TokenRow",
    "VolunteerRow",
    "WorkUnitRow",
    "spelled",
    "table",
]
