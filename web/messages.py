"""This file is where it stands what may be posted, field by field; anything else is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from grid.items import Json

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


class PolicyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much redundancy a job buys; what is left out is the default."""

    mode: Literal["fixed", "trusted"] | UnsetType = UNSET
    min_quorum: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET
    target_nresults: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET
    max_error_results: Count | UnsetType = UNSET
    max_total_results: Count | UnsetType = UNSET
    max_success_results: Count | UnsetType = UNSET
    max_abandoned_results: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    delay_bound_s: Annotated[int, Meta(ge=5, le=86_400)] | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=-100, le=100)] | UnsetType = UNSET


class JobBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to be computed."""

    job_type: Word
    spec: Json
    dataset: Word
    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)] | UnsetType = UNSET
    metadata: dict[str, Json] = {}
    public: bool | UnsetType = UNSET
    policy: PolicyBody = PolicyBody()


class PreviewBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spec to be looked at."""

    spec: Json
    dataset: Word


class CapabilitiesBody(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a host can do, as it says."""

    cores: Annotated[int, Meta(ge=1, le=4096)] | None = None
    memory_mb: Annotated[int, Meta(ge=1, le=1 << 30)] | None = None


class HostBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser profile or machine that wants to take part."""

    protocol: int
    kind: Literal["browser", "headless"]
    #: Name and version, such as "chromium/130".
    engine: Annotated[str, Meta(min_length=1, max_length=100)]
    capabilities: CapabilitiesBody = CapabilitiesBody()


class ReportBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one result ended."""

    result_id: Word
    lease: Word
    outcome: Literal["success", "error", "released"]
    #: Base64 of the canonical bytes; with success only.
    output: str | None = None
    message: str | None = None
    elapsed_ms: Annotated[int, Meta(ge=0, le=10**12)] | None = None
    #: Kept for hosts that sign their reports.
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


class ProtocolBody(Struct):
    """The one field that every version of the protocol has."""

    protocol: int


class PluginBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job type to be enabled or disabled: exactly the code of this digest."""

    name: Word
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    enabled: bool


class TokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token for somebody."""

    account: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
    scope: Literal["requester", "trusted_host"]
    days: Annotated[int, Meta(ge=1, le=3650)] = 365


class Reported(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one report."""

    result_id: str
    accepted: bool
    reason: str | None = None
    receipt: str | None = None


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
