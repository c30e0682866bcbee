"""This file is where volunteers are banned and forgiven, accounts made and shut, sites revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

from grid.db import accounts, appeals, sites
from grid.db.accounts import Account, LastAdmin
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from web import links
from web.deeds.base import TEXT_CHARS_MAX, Aim, Ask, Deed, Doing, Effect, Text
from web.messages import NAME_CHARS_MAX
from web.problems import Problem, bad_field, not_found
from web.server import Server


class BanAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volunteer, and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]


class RolesAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All roles that an account has from now on, with blanks between."""

    roles: Text = ""


class SiteAim(Aim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site, and what its visitors read."""

    reason: Text = ""


def _volunteer(doing: Doing, public_id: str) -> int:
    number = doing.server.store.keyring.identifiers.internal(Kind.VOLUNTEER, public_id)
    with doing.server.store.read() as connection:
        if number is None or appeals.volunteer(connection, number) is None:
            raise not_found("volunteer")
    return number


def _ban(doing: Doing, form: BanAim) -> Effect:
    number = _volunteer(doing, form.on)
    if not form.reason.isprintable():
        raise bad_field("/reason", "printable characters are wanted")

    def ban(transaction: Transaction) -> None:
        if not appeals.ban(transaction, number, form.reason):
            raise Problem(409, "this volunteer is banned already")

    return ban


def _unban(doing: Doing, form: Aim) -> Effect:
    number = _volunteer(doing, form.on)

    def unban(transaction: Transaction) -> None:
        if not appeals.unban(transaction, number):
            raise Problem(409, "this volunteer is not banned")

    return unban


def _account(doing: Doing, name: str) -> Account:
    with doing.server.store.read() as connection:
        found = accounts.by_name(connection, name)
    if found is None:
        raise not_found("account")
    return found


def _roles(text: str) -> list[str]:
    given = text.split()
    odd = [one for one in given if one not in accounts.ROLES]
    if odd:
        raise bad_field("/roles", f"{odd[0]}: one of {', '.join(accounts.ROLES)}")
    return given


def _add(doing: Doing, form: RolesAim) -> Effect:
    roles, name = _roles(form.roles), form.on.strip()
    if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
        detail = f"1 to {NAME_CHARS_MAX} printable characters are wanted"
        raise bad_field("/on", detail)

    def add(transaction: Transaction) -> str:
        if accounts.by_name(transaction.connection, name) is not None:
            raise bad_field("/on", "there is an account of this name", 409)
        number = accounts.grant(transaction, name, roles)
        return links.set_up(doing.origin, accounts.make_link(transaction, number))

    return add


def _link(doing: Doing, form: Aim) -> Effect:
    found = _account(doing, form.on)
    return lambda tx: links.set_up(doing.origin, accounts.make_link(tx, found.id))


def _change(roles: bool, disabled: bool | None) -> Callable[[Doing, Aim], Effect]:
    def prepare(doing: Doing, form: Aim) -> Effect:
        found = _account(doing, form.on)
        given = _roles(form.roles) if roles and isinstance(form, RolesAim) else None

        def change(transaction: Transaction) -> None:
            try:
                accounts.change(transaction, found.id, given, disabled)
            except LastAdmin as error:
                detail = "nobody would be left who may administer this server"
                raise Problem(409, detail) from error

        return change

    return prepare


def _site(may: bool) -> Callable[[Doing, Aim], Effect]:
    def prepare(_: Doing, form: Aim) -> Effect:
        if sites.origin_of(form.on) != form.on:
            raise bad_field("/on", "wanted as https://example.org: scheme and host, no more")

        def change(transaction: Transaction) -> None:
            if may:
                sites.allow(transaction, form.on)
            else:
                assert isinstance(form, SiteAim)
                sites.revoke(transaction, form.on, form.reason)

        return change

    return prepare


def _forget_hosts(server: Server) -> None:
    server.exchange.forget_hosts()


REASON = Ask(name="reason", label="Why, as the volunteer will read it")
ROLES = Ask(name="roles", label=f"Roles, with blanks between: {', '.join(accounts.ROLES)}")

DEEDS = (
    Deed(
        name="ban-volunteer",
        title="Ban",
        says="This volunteer gets no more work. What it answered in jobs that are still sealed "
        "counts no more and is computed by others; the public log says that somebody was banned. "
        "It reads your reason, and may appeal.",
        prepare=_ban,
        form=BanAim,
        asks=(REASON,),
    ),
    Deed(
        name="forgive-volunteer",
        title="Grant the appeal",
        says="The ban ends, what this volunteer answered counts again, and it begins anew as one "
        "that nobody knows. The public log says so.",
        prepare=_unban,
    ),
    Deed(
        name="add-account",
        title="Add an account",
        says="The account exists from now on, and you see once the link by which its owner "
        "chooses a password within a day.",
        prepare=_add,
        form=RolesAim,
        asks=(ROLES,),
    ),
    Deed(
        name="link-account",
        title="Make a link",
        says="You see once a link by which the account's owner chooses a new password within a "
        "day. Earlier links end; the password is as it was until then.",
        prepare=_link,
    ),
    Deed(
        name="set-roles",
        title="Change roles",
        says="The account has exactly these roles, at once, and so have its sessions and tokens. "
        "Taking trusted_host away ends its trusted hosts.",
        prepare=_change(roles=True, disabled=None),
        form=RolesAim,
        asks=(ROLES,),
        after=_forget_hosts,
    ),
    Deed(
        name="disable-account",
        title="Shut out",
        says="Its sessions end and its tokens rest until it is let in again. Its jobs go on.",
        prepare=_change(roles=False, disabled=True),
        after=_forget_hosts,
    ),
    Deed(
        name="enable-account",
        title="Let in again",
        says="It may sign in again, and its tokens are good again.",
        prepare=_change(roles=False, disabled=False),
        after=_forget_hosts,
    ),
    Deed(
        name="revoke-site",
        title="Revoke",
        says="The site may embed the volunteer page no more. Its visitors read your reason; pages "
        "that are open compute on until they are closed.",
        prepare=_site(may=False),
        form=SiteAim,
        asks=(Ask(name="reason", label="Why, as its visitors will read it"),),
    ),
    Deed(
        name="allow-site",
        title="Allow",
        says="The site may embed the volunteer page again.",
        prepare=_site(may=True),
    ),
)
