"""This file is where an operator chooses: units in names, a reason for each default.

Every setting is an environment variable `GRID_<NAME>`; an unknown one is an error, so that a
misspelling never goes unnoticed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from grid.items import Mode

PREFIX = "GRID_"
SOURCE_HOST = re.compile(r"(\*|(\*\.)?[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
#: Settings that are lists.
COMMA_SEPARATED = (
    "trusted_proxies",
    "job_type_folders",
    "selector_plugins",
    "source_hosts",
    "source_networks",
)


class SettingsError(Exception):
    """A setting that cannot be used; names the variable."""


def _origin(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("wanted as http://… or https://…")
    return text.rstrip("/")


Origin = Annotated[str, AfterValidator(_origin)]


def _source_hosts(entries: tuple[str, ...]) -> tuple[str, ...]:
    for one in entries:
        if not SOURCE_HOST.fullmatch(one):
            raise ValueError(
                f"{one!r}: wanted as example.org, *.example.org, example.org:8443 or *"
            )
    return entries


def _networks(entries: tuple[str, ...]) -> tuple[str, ...]:
    for one in entries:
        ipaddress.ip_network(one)
    return entries


def _database_url(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("wanted as postgresql://…, or nothing for the embedded SQLite")
    return text


def _blob_url(text: str) -> str:
    if text and not text.startswith("s3://"):
        raise ValueError("wanted as s3://bucket/prefix, or nothing for files")
    return text


BlobUrl = Annotated[str, AfterValidator(_blob_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class Settings(BaseSettings):
    """What an operator may choose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    #: Where the database, the blobs and the secret key live; beside the checkout, easy to delete.
    data_dir: Path = Path(".grid")
    #: `postgresql://user@host/name`: several server processes, on several machines, share it. "" is
    #: the embedded SQLite in `data_dir`, which one machine's processes share. Without a password in
    #: it: PostgreSQL's own PGPASSFILE keeps that.
    database_url: DatabaseUrl = ""
    #: `s3://bucket/prefix`: program, chunk and output bytes go into S3, or what speaks like it.
    #: Where and as whom is said by AWS's own variables (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …). ""
    #: keeps them as files in `data_dir`.
    blob_url: BlobUrl = ""
    #: Loopback: opening a server to others is a choice.
    host: str = "127.0.0.1"
    #: 0 takes any free port.
    port: int = Field(default=8080, ge=0, le=65535)
    #: What the server is called from outside; "" uses the address of the request.
    public_url: Origin = ""
    #: Where the inner frame comes from; in production a domain without tokens or cookies.
    #: "" is this same server: frames are opaque even so.
    sandbox_origin: Origin = ""
    #: A file that says which witnesses cosign the log, where they are asked and how many are enough
    #: (docs/log.md); none by default, for a witness must be somebody else's.
    witness_policy: Path | None = None
    #: Addresses of proxies whose X-Forwarded-For is believed, comma-separated; none by default,
    #: or anybody could choose the network they count as.
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    #: Folders with further job types, comma-separated.
    job_type_folders: Annotated[tuple[str, ...], NoDecode] = ()
    #: 1 GiB: what a laptop uploads in some minutes.
    upload_bytes_max: int = Field(default=1 << 30, ge=1)
    #: 8 MiB: a spec is written by a person, a batch of reports is many 64 kB outputs.
    body_bytes_max: int = Field(default=8 << 20, ge=1024)
    #: Rows of a chunk unless the upload says otherwise: two narrow columns are near 0.5 MB.
    chunk_rows: int = Field(default=65_536, ge=1, le=262_144)
    #: Work units of one job made ahead of dispatch: a second's worth for the busiest crowd that
    #: one server answers.
    unsent_workunits_max: int = Field(default=2000, ge=1)
    #: Seconds of computing after which a volunteer stops a work unit; the design size is 2–20 s.
    compute_time_limit_s: int = Field(default=60, ge=1)
    #: How often a host renews its leases: several times within the shortest useful deadline.
    heartbeat_s: int = Field(default=20, ge=1)
    #: How long an idle host waits before it asks again, give or take a quarter; longer in a crowd.
    #: Together with `hold_s`, an idle page begins a new job within two seconds.
    retry_after_s: float = Field(default=1.0, gt=0)
    #: How long a host that allows it is kept waiting for work to turn up; 0 answers at once.
    hold_s: float = Field(default=0.8, ge=0, le=30)
    #: How work is ordered for hosts that do not choose: priorities, and fair shares within each.
    selector: str = "priority"
    #: Python modules with further selectors, comma-separated; they are imported at start.
    selector_plugins: Annotated[tuple[str, ...], NoDecode] = ()
    #: IPv4 addresses that agree in so many bits count as one volunteer's: what one lab usually
    #: gets. More bits would let one person be many.
    ipv4_prefix_bits: int = Field(default=24, ge=8, le=32)
    #: The same of IPv6: what one household usually gets.
    ipv6_prefix_bits: int = Field(default=48, ge=16, le=128)
    #: Hosts that one requester may reserve at a time: what is reserved, others wait for.
    reserved_hosts_max: int = Field(default=16, ge=0)
    #: Seconds that a work unit should take a host of the usual speed: long enough to be worth its
    #: exchange, short enough for a visit of a few minutes.
    workunit_target_s: float = Field(default=8.0, ge=2.0, le=20.0)
    #: How a public job is verified that does not say: `standard`, `economy`, `strict`, `fixed`. In
    #: the place of the first two it is `strict` for MIN, MAX and jobs that one answer may end.
    default_mode: Mode = Mode.STANDARD
    #: How long answers below the target error wait for their volunteers to become better known,
    #: before the server computes the work unit itself: about two work units.
    cold_start_wait_s: int = Field(default=10, ge=0)
    #: Longest random delay before the next copy of a work unit: fellows who ask back to back do
    #: not get both.
    copy_delay_max_s: int = Field(default=2, ge=0)
    #: Computing that the server does for any one job, whatever its size, before volunteers' work
    #: is accepted below the target error.
    trusted_floor_s: int = Field(default=300, ge=0)
    #: Work units that may wait for the server's own computing, over all jobs: a minute's worth of
    #: long ones. While as many wait, others wait for their volunteers.
    trusted_waiting_max: int = Field(default=64, ge=1)
    #: Seconds that a job type's Python may take for one work unit; it is some 25 times slower than
    #: the program. Where it takes longer, the program's answer stands unchecked.
    reference_time_limit_s: int = Field(default=120, ge=1)
    #: A second engine that runs again what the reference checks of the server's own runs, where
    #: they differ the job type is suspect: `quickjs`. "" for none: it is some twenty times slower.
    second_engine: Literal["", "quickjs"] = ""
    #: How long the last traps of a completed job may wait for hosts before its seal opens without
    #: them: five times as long as traps are spread over.
    trap_wait_s: int = Field(default=300, ge=0)
    #: When a job's verdicts become public at the latest: 30 days.
    seal_max_s: int = Field(default=30 * 86400, ge=1)
    #: Lines of the log for people, or one JSON object each for what collects them: `text`, `json`.
    log_format: Literal["text", "json"] = "text"
    #: How often the daemons look for what the hot path missed.
    daemon_interval_s: float = Field(default=1.0, gt=0)
    #: Who may make an account: whom an admin `invited`, or, where it is `open`, everybody, as a
    #: requester. Closed, because a requester uses what volunteers give.
    registration: Literal["invited", "open"] = "invited"
    #: Hosts that data sets may be fetched from, comma-separated: `data.example.org`,
    #: `*.example.org`, `example.org:8443`, or `*` for all that are public. None, because whoever
    #: names a host makes this server ask it.
    source_hosts: Annotated[tuple[str, ...], NoDecode, AfterValidator(_source_hosts)] = ()
    #: Networks that may be asked although they are not public, comma-separated: `10.1.0.0/16`.
    source_networks: Annotated[tuple[str, ...], NoDecode, AfterValidator(_networks)] = ()
    #: How long fetching one data set may take: the largest over a line of fifteen megabits.
    source_limit_s: float = Field(default=600, gt=0)
    #: What one token or session may change in a minute, and one network or account five times as
    #: often: a script that submits a job each second. This machine itself is not counted.
    changes_per_minute: int = Field(default=120, ge=1)
    #: Bundles, evidence and questions in SQL that one network may ask for in a minute.
    dear_requests_per_minute: int = Field(default=60, ge=1)
    #: Jobs that one requester may have open at a time: more would only wait for one another.
    open_jobs_max: int = Field(default=100, ge=1)
    #: Work units of a requester's open jobs together: a million take a crowd of a thousand hours.
    open_workunits_max: int = Field(default=10_000_000, ge=1)
    #: Bytes of all data sets of one requester, as they are stored: ten of the largest uploads.
    stored_bytes_max: int = Field(default=10 << 30, ge=1)
    #: Free bytes of the disk below which nothing new is taken in, so that what runs can end.
    free_bytes_min: int = Field(default=1 << 30, ge=0)
    #: How long somebody who signed in stays so: a working day and its evening.
    session_ttl_s: int = Field(default=16 * 3600, ge=60)
    #: How long the answer to an Idempotency-Key is kept: a day outlasts every retry.
    idempotency_ttl_s: int = Field(default=86400, ge=60)

    def __init__(self, **values: object) -> None:
        for name in COMMA_SEPARATED:
            if isinstance(values.get(name), str):
                values[name] = _comma_separated(str(values[name]))
        super().__init__(**values)  # type: ignore[arg-type]


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; raises SettingsError for an unknown or unusable variable."""
    values: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.model_fields or variable != variable_of(name):
            known = ", ".join(map(variable_of, Settings.model_fields))
            raise SettingsError(f"{variable}: no such setting; there are {known}")
        values[name] = text
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(f"{variable_of(name)}: {first['msg']}") from error


def variable_of(name: str) -> str:
    """The environment variable that sets `name`."""
    return PREFIX + name.upper()


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def described() -> Iterable[tuple[str, str]]:
    """Every variable with its default, for documentation."""
    for name, field in Settings.model_fields.items():
        yield variable_of(name), str(field.default)
