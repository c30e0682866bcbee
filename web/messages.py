"""This file is where it stands what may be posted, field by field; anything else is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from grid.items import Json, PointRange

#: The version of `/hosts` and `/work`; another one is a 409.
PROTOCOL = 1
#: Items of one `/work` request: what one host may hold (`dispatch.LEASES_PER_HOST_MAX`).
ITEMS_MAX = 64
NAME_CHARS_MAX = 200
#: Of what a host says went wrong; the rest is cut off.
MESSAGE_CHARS_MAX = 500
#: Public ids, leases, signatures and tokens are all shorter.
WORD_CHARS_MAX = 200

Word = Annotated[str, Meta(max_length=WORD_CHARS_MAX)]
Count = Annotated[int, Meta(ge=1, le=1000)]
#: Owners, topics, job types or jobs that one volunteer may name of each; topics of one job.
WISHES_MAX = 32
Topic = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]
Words = Annotated[tuple[Word, ...], Meta(max_length=WISHES_MAX)]
Topics = Annotated[tuple[Topic, ...], Meta(max_length=WISHES_MAX)]


#: Whose work goes first; above 0 only an admin gives it.
Priority = Annotated[int, Meta(ge=-100, le=100)]


class PolicyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much redundancy a job buys; what is left out is the default."""

    mode: Literal["standard", "economy", "strict", "fixed", "trusted"] | UnsetType = UNSET
    target_error: Annotated[float, Meta(ge=1e-9, le=0.1)] | UnsetType = UNSET
    min_quorum: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET
    target_nresults: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET
    max_error_results: Count | UnsetType = UNSET
    max_total_results: Count | UnsetType = UNSET
    max_success_results: Count | UnsetType = UNSET
    max_abandoned_results: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    delay_bound_s: Annotated[int, Meta(ge=5, le=86_400)] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    min_engines: Annotated[int, Meta(ge=1, le=4)] | UnsetType = UNSET
    #: Seconds from its submission until whatever is undecided is given up.
    deadline_s: Annotated[int, Meta(ge=1, le=366 * 86_400)] | UnsetType = UNSET


class NeedsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a host must have for a job's work units."""

    cores: Annotated[int, Meta(ge=1, le=4096)] = 1
    memory_mb: Annotated[int, Meta(ge=0, le=1 << 30)] = 0
    features: Annotated[tuple[Topic, ...], Meta(max_length=WISHES_MAX)] = ()


class JobBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to be computed."""

    job_type: Word
    spec: Json
    #: Left out for a job type that needs none.
    dataset: Word | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)] | UnsetType = UNSET
    metadata: dict[str, Json] = {}
    public: bool | UnsetType = UNSET
    policy: PolicyBody = PolicyBody()
    needs: NeedsBody = NeedsBody()
    #: Words by which volunteers choose or refuse it.
    topics: Annotated[tuple[Topic, ...], Meta(max_length=WISHES_MAX)] = ()
    #: Chunks of one work unit; measured and chosen by the server when not given.
    workunit_chunks: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    #: Points of one work unit, for a job type that counts points.
    workunit_points: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET


#: What a leaderboard line can hold.
PublicName = Annotated[str, Meta(min_length=1, max_length=50)]


class VolunteerBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a volunteer wants to be called in public, and with whom it computes; null for none."""

    name: PublicName | UnsetType | None = UNSET
    team: PublicName | UnsetType | None = UNSET


class ReservationBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hosts that shall serve one job alone."""

    hosts: Annotated[int, Meta(ge=1, le=10_000)]
    #: Whether fewer will do.
    fewer: bool = False
    #: Only hosts of this kind, or with this engine, as the list of hosts names them.
    kind: Literal["browser", "headless"] | None = None
    engine: Word | None = None


class PriorityBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another place among the jobs; larger goes first."""

    priority: Priority


class SourceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that the server is to fetch."""

    source: Annotated[str, Meta(min_length=1, max_length=2_000)]


class PreviewBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spec to be looked at."""

    spec: Json
    dataset: Word | UnsetType = UNSET


class CapabilitiesBody(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a host can do, as it says."""

    cores: Annotated[int, Meta(ge=1, le=4096)] | None = None
    memory_mb: Annotated[int, Meta(ge=1, le=1 << 30)] | None = None
    #: The family of its operating system.
    os: Literal["linux", "windows", "macos", "android", "ios", "other"] | None = None
    #: What its engine offers beyond the language.
    features: Topics = ()
    #: Rounds of a fixed loop in a millisecond.
    score: Annotated[int, Meta(ge=0, le=10**9)] | None = None


class HostBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser profile or machine that wants to take part."""

    protocol: int
    kind: Literal["browser", "headless"]
    #: Name and version, such as "chromium/130".
    engine: Annotated[str, Meta(min_length=1, max_length=100)]
    capabilities: CapabilitiesBody = CapabilitiesBody()
    #: Ed25519, in base64: it will sign its reports, and none counts that it did not.
    public_key: Word | None = None
    #: A code by which it joins the volunteer of another browser.
    pairing: Word | None = None


#: Names of what a host could reach: a fixed list of ours, which may grow.
Reached = Annotated[str, Meta(pattern=r"^[A-Za-z:.]{1,40}\Z")]


class ReachedBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a host could reach from inside its sandbox."""

    reached: Annotated[tuple[Reached, ...], Meta(min_length=1, max_length=32)]


class MachineBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a host is now: an engine gets newer, a machine is given other limits."""

    engine: Annotated[str, Meta(min_length=1, max_length=100)]
    capabilities: CapabilitiesBody = CapabilitiesBody()


class ReportBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one result ended."""

    result_id: Word
    lease: Word
    outcome: Literal["success", "error", "released"]
    #: Base64 of the canonical bytes; with success only.
    output: str | None = None
    #: SHA-256 of the output that was put before; with success only, and without `output`.
    output_digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")] | None = None
    message: str | None = None
    elapsed_ms: Annotated[int, Meta(ge=0, le=10**12)] | None = None
    #: Of a host that enrolled with a key, over `statements.of_report`, in base64.
    signature: Word | None = None


class RenewBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result that is still being computed."""

    result_id: Word
    lease: Word


class WorkBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host's reports, renewals and wish for more."""

    protocol: int
    token: Word
    reports: Annotated[tuple[ReportBody, ...], Meta(max_length=ITEMS_MAX)] = ()
    renew: Annotated[tuple[RenewBody, ...], Meta(max_length=ITEMS_MAX)] = ()
    want: Annotated[int, Meta(ge=0, le=ITEMS_MAX)] = 0
    #: Every result it holds or is about to report; what the server misses there was lost on the
    #: way, and is given again.
    holding: Annotated[tuple[Word, ...], Meta(max_length=4 * ITEMS_MAX)] | None = None
    #: Whether it may be kept waiting a moment for work to turn up.
    wait: bool = False
    #: Results it can hold at once.
    slots: Annotated[int, Meta(ge=0, le=ITEMS_MAX)] | None = None
    #: Seconds until it leaves.
    leaves_in_s: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    #: Requesters by name: only theirs, the dearest first; or none of theirs.
    owners: Words = ()
    refuse_owners: Words = ()
    topics: Topics = ()
    refuse_topics: Topics = ()
    job_types: Words = ()
    #: Only these jobs, while any of them is open.
    jobs: Words = ()
    #: The order in which it wants work; the server's own when not given.
    selector: Word | None = None


class ProtocolBody(Struct):
    """The one field that every version of the protocol has."""

    protocol: int


class PluginBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job type to be enabled or disabled: exactly the code of this digest."""

    name: Word
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    enabled: bool
    #: That what the job type warns of was read.
    caution: bool = False


#: What others and `owners` of a volunteer call an account: letters and digits of any one script mix
#: badly, so these are ASCII.
AccountName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._@+-]{0,48}[A-Za-z0-9])?\Z")]
Role = Literal["admin", "requester", "auditor", "trusted_host"]
Roles = Annotated[tuple[Role, ...], Meta(max_length=4)]


class NewAccountBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is let in."""

    name: AccountName
    roles: Roles = ("requester",)


class AccountBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account may do, and whether it may come in."""

    roles: Roles | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class NewTokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token for oneself."""

    scopes: Annotated[Roles, Meta(min_length=1)]
    days: Annotated[int, Meta(ge=1, le=3650)] = 90
    #: What its owner calls it.
    label: Word = ""


class AuditorsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may read a private job besides its owner: names of accounts, all of them."""

    auditors: Annotated[tuple[Word, ...], Meta(max_length=WISHES_MAX)]


class TokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token for somebody."""

    account: AccountName
    scope: Literal["requester", "auditor", "trusted_host"]
    days: Annotated[int, Meta(ge=1, le=3650)] = 365


class ConsentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer, left for the frame that made this word: 128 random bits or more, which nobody else
    knows."""

    #: Of a no, the rest is not kept.
    yes: bool
    word: Annotated[str, Meta(pattern=r"^[0-9a-f]{32,64}\Z")]
    #: Of a core's time.
    duty_percent: Annotated[int, Meta(ge=1, le=100)]
    on_battery: bool
    #: Millions of bytes a day; null for no limit.
    data_mb_per_day: Annotated[int, Meta(ge=1, le=10**6)] | None


class SiteBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a site may embed the volunteer page."""

    #: Such as "https://example.org".
    origin: Word
    allowed: bool
    #: Why not; the site's visitors read this.
    reason: Annotated[str, Meta(max_length=MESSAGE_CHARS_MAX)] = ""


class BanBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a volunteer is shut out; it reads this."""

    reason: Annotated[str, Meta(min_length=1, max_length=MESSAGE_CHARS_MAX)]


class ResumeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a frozen job goes on."""

    #: Whose answer counts where volunteers on different engines spoke against the server's.
    believe: Literal["volunteers", "server"]


class EngineBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An engine, as the list of suspects names it."""

    engine: Annotated[str, Meta(min_length=1, max_length=100)]


class Promise(Struct, frozen=True, kw_only=True):
    """What the log will hold of an answer; `/log/receipts/{commitment}` redeems it."""

    commitment: str
    #: When the answer came in, in seconds since 1970.
    at: int
    #: Base64, over `statements.of_promise`, under the key that the log announces for promises.
    signature: str


class Reported(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one report."""

    result_id: str
    accepted: bool
    reason: str | None = None
    receipt: str | None = None
    promise: Promise | None = None


class Renewed(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A later lease, or why there is none."""

    result_id: str
    lease: str | None = None
    deadline: int | None = None
    expires_in_s: int | None = None
    reason: str | None = None


class Assignment(Struct, frozen=True, kw_only=True):
    """One result to compute; what all of a job's share is encoded once."""

    result_id: str
    lease: str
    job: Raw
    program: Raw
    columns: Raw
    inputs: Raw
    #: What to count, for a job that counts points.
    points: PointRange | UnsetType = UNSET
    params: Raw
    limits: Raw
    deadline: int
    expires_in_s: int


class WorkReply(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer to one `/work` request."""

    reports: list[Reported]
    renewed: list[Renewed]
    assignments: list[Assignment]
    retry_after_s: float
    why_no_work: str | None = None
    #: Why its volunteer is banned; only when it is.
    ban_reason: str | None = None


class CheckBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reader has computed again, in the words of `grid.readers`, signed."""

    statement: Annotated[str, Meta(max_length=2000)]
    #: Ed25519, as Base64: 32 and 64 bytes.
    key: Annotated[str, Meta(max_length=44)]
    signature: Annotated[str, Meta(max_length=88)]
