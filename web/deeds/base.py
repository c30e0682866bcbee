"""This file is where it stands what a deed is: something that somebody does by hand.

A deed says beforehand what it will do, may be done on a page and by `grid admin`, and is kept with
its doer in the transaction that does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from grid.db import deeds
from grid.db.transaction import Transaction
from grid.items import DataSet, Job
from web.callers import Caller, require, require_owner
from web.server import Server

#: Longer than any id, name, or reason that people read.
TEXT_CHARS_MAX = 500
Text = Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]
#: Whoever has the machine may do everything.
OPERATOR = Caller(name="operator", scopes=frozenset({"admin"}))


class Aim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deed is done to; what else it asks for is in the fields of its own form."""

    #: The public id or name.
    on: Text = ""
    #: The page to go on to.
    next: Text = "/admin"


class Ask(Struct, frozen=True, kw_only=True):
    """One field of a deed's form."""

    name: str
    label: str
    #: "text" or "number"; a choice where there are `choices`.
    kind: str = "text"
    choices: Sequence[str] = ()
    value: str = ""


class Doing(Struct, frozen=True, kw_only=True):
    """Who does it, and where."""

    server: Server
    caller: Caller
    #: What the server is called, for links.
    origin: str


#: Does it; what to show once, such as a link with a secret.
Effect = Callable[[Transaction], str | None]


class Deed(Struct, frozen=True, kw_only=True):
    """Something that is done by hand."""

    name: str
    title: str
    #: What it will do, before it is done.
    says: str
    #: Checks what it is to be done to and with, and gives the effect; raises Problem.
    prepare: Callable[[Doing, Any], Effect]
    form: type[Aim] = Aim
    asks: Sequence[Ask] = ()
    #: Only for admins; else for owners of what it is done to as well.
    admin: bool = True
    #: What the server's process must be told afterwards.
    after: Callable[[Server], None] | None = None


def did(deed: Deed, doing: Doing, form: Aim) -> Effect:
    """The deed with all of its checks passed, and with its own record; raises Problem. Blocks."""
    caller = doing.caller
    if deed.admin and not caller.admin:
        require(caller, "admin")
    effect = deed.prepare(doing, form)
    given = msgspec.to_builtins(form)
    details = {name: given[name] for name in given if name not in ("on", "next")}

    def do(transaction: Transaction) -> str | None:
        said = effect(transaction)
        who, account_id = caller.name, caller.account_id
        deeds.note(transaction, account_id, who, deed.name, form.on, details)
        return said

    return do


def check_owner(caller: Caller, item: Job | DataSet, what: str) -> None:
    """Raise unless it is the caller's own, or they are an admin."""
    if not caller.admin:
        require_owner(caller, item, what)
