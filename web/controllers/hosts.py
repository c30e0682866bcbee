"""This file is where volunteers' machines enrol, and where their work is exchanged."""

from __future__ import annotations

import msgspec
from litestar import Response, post, put

from grid import statements
from grid.db import commands, hosts, notes
from grid.db.commands import NewHost
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import Json
from grid.trust import PrefixBits
from web import bodies
from web.addresses import client_address, server_origin
from web.answers import as_json
from web.callers import bearer_of, unauthorized
from web.messages import PROTOCOL, HostBody, MachineBody, WorkBody
from web.problems import AnyRequest, Problem, bad_field
from web.routes import about
from web.server import Server, server_of


@post(
    "/hosts",
    opt=about(body=HostBody, code=201, problems=(400, 401, 409, 413, 415, 422), token=False),
)
async def enrol_host(request: AnyRequest) -> Response[bytes]:
    """Enrols a browser profile or a machine, and gives it a token for `/work`.

    No token is needed; a trusted-host token makes it a trusted host. The answer holds a secret, so
    no Idempotency-Key keeps it: whoever did not hear it enrols again.
    """
    server = server_of(request)
    caller = bearer_of(request, server.store)  # whoever has signed in volunteers as anybody does
    body = await bodies.read(request, HostBody)
    if body.protocol != PROTOCOL:
        raise Problem(409, f"this server speaks protocol {PROTOCOL}, not {body.protocol}")
    if body.public_key is not None and statements.public_key(body.public_key) is None:
        raise bad_field("/public_key", "not an Ed25519 key of 32 bytes in base64")
    if body.pairing is not None and caller.account_id is not None:
        raise bad_field("/pairing", "with an account's token a host belongs to that account")
    new = NewHost(
        account_id=caller.account_id,
        trusted="trusted_host" in caller.scopes,
        kind=body.kind,
        engine=body.engine,
        capabilities=msgspec.to_builtins(body.capabilities),
        address=client_address(request, server.settings),
        expires_at=caller.expires_at if "trusted_host" in caller.scopes else None,
        public_key=body.public_key,
        prefix_bits=PrefixBits(
            ipv4=server.settings.ipv4_prefix_bits, ipv6=server.settings.ipv6_prefix_bits
        ),
    )

    def enrol(transaction: Transaction) -> tuple[int, str, bool]:
        if body.pairing is None:
            return commands.add_host(transaction, new)
        whose = notes.take_pairing(transaction, body.pairing)
        if whose is None:
            raise bad_field("/pairing", "this code is wrong, used, or older than ten minutes")
        return commands.add_host(transaction, msgspec.structs.replace(new, volunteer_id=whose))

    number, token, joined = await server.store.awrite(enrol)
    if joined:
        server.exchange.forget_hosts()
    answer = {**_told(request, server, number), "token": token}
    return as_json(answer, 201, {"Cache-Control": "no-store"})


@put("/hosts/me", opt=about(body=MachineBody, problems=(400, 401, 413, 415)))
async def change_host(request: AnyRequest) -> Response[bytes]:
    """Says, by its own token, what a host is now: its engine, and what the machine can do.

    A host that comes back says so before it asks for work; what it has earned stays.
    """
    server = server_of(request)
    number = bearer_of(request, server.store).host_id
    if number is None:
        raise unauthorized("this needs a host's token")
    body = await bodies.read(request, MachineBody)
    capabilities = msgspec.to_builtins(body.capabilities)

    def change(transaction: Transaction) -> None:
        hosts.set_machine(transaction, number, body.engine, capabilities)

    await server.store.awrite(change)
    server.exchange.forget_hosts()
    return as_json(_told(request, server, number), 200, {"Cache-Control": "no-store"})


def _told(request: AnyRequest, server: Server, number: int) -> Json:
    """What every host must know of its server."""
    return {
        "host_id": server.names.of(Kind.HOST, number),
        "protocol": PROTOCOL,
        "sandbox_origin": server.settings.sandbox_origin or server_origin(request, server.settings),
        "heartbeat_s": server.settings.heartbeat_s,
    }


@post("/work", opt=about(body=WorkBody, problems=(400, 401, 404, 409, 413, 503)))
async def exchange_work(request: AnyRequest) -> Response[bytes]:
    """Takes a host's reports, renews its leases and gives it more to compute, all in one.

    Repeating a request is harmless by itself, so it takes no Idempotency-Key.
    """
    server = server_of(request)
    address = client_address(request, server.settings)
    answer = await server.exchange.work(await request.body(), address)
    return Response(
        answer,
        status_code=200,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
