"""This file is where the requester's client begins: HTTP only, no part of the server.

from grid.client import Grid

with Grid("http://127.0.0.1:8080", token) as grid:
    print(grid.submit("SUM", column="amount", data="sales.csv").result().value)
"""

from grid.client.asking import DataSet
from grid.client.awaiting import AsyncGrid, AsyncJob
from grid.client.blocking import Grid, Job, as_completed
from grid.client.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GridError,
    JobCancelled,
    JobFailed,
    NotFound,
    Refused,
    ServerFailed,
    TimedOut,
    TooOften,
    Unauthorized,
    Unreachable,
)
from grid.client.outputs import Output

__all__ = [
    "Grid", "AsyncGrid", "Job", "AsyncJob", "DataSet", "Output", "as_completed",
    "GridError", "Refused", "BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict",
    "TooOften", "ServerFailed", "Unreachable", "JobFailed", "JobCancelled", "TimedOut",
]  # fmt: skip
