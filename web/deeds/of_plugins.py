"""This file is where job types are let in and shut out."""

from __future__ import annotations

from typing import Literal

from grid.db import commands
from grid.db.transaction import Transaction
from grid.plugins.loader import Found, PluginError
from web.deeds.base import Aim, Ask, Deed, Doing, Effect, Text
from web.problems import bad_field


class EnableAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job type, by its name and by the digest of the code that was looked at."""

    digest: Text
    #: Whether what it warns of was read.
    caution: Literal["", "read"] = ""


def find(doing: Doing, name: str) -> Found:
    """The job type that is there; raises Problem where there is none or it is broken."""
    try:
        found = doing.server.store.job_types.find(name)
    except PluginError as error:
        raise bad_field("/on", str(error), 409) from error
    if found is None:
        raise bad_field("/on", f"there is no job type {name!r}")
    return found


def _enable(doing: Doing, form: EnableAim) -> Effect:
    found = find(doing, form.on)
    if found.digest != form.digest:
        said = f"the code that is there has the digest {found.digest}; look at it again"
        raise bad_field("/digest", said, 409)
    if found.manifest.caution and not form.caution:
        raise bad_field("/caution", found.manifest.caution, 409)
    try:
        doing.server.store.job_types.loaded(found.digest)
    except PluginError as error:
        raise bad_field("/on", str(error), 409) from error
    return _set(found, enabled=True)


def _disable(doing: Doing, form: Aim) -> Effect:
    return _set(find(doing, form.on), enabled=False)


def _set(found: Found, *, enabled: bool) -> Effect:
    def do(transaction: Transaction) -> None:
        manifest = found.manifest
        commands.set_plugin(transaction, manifest.name, manifest.version, found.digest, enabled)

    return do


DEEDS = (
    Deed(
        name="enable-job-type",
        title="Enable",
        says="The server imports and runs exactly the code of this digest, requesters may submit "
        "jobs of it, and the public log says that you let it in.",
        prepare=_enable,
        form=EnableAim,
        asks=(
            Ask(name="digest", label="Digest of the folder"),
            Ask(name="caution", label="What it warns of was", choices=("", "read")),
        ),
    ),
    Deed(
        name="disable-job-type",
        title="Disable",
        says="Nobody may submit further jobs of it; those that run go on to their end. The public "
        "log says so.",
        prepare=_disable,
    ),
)
