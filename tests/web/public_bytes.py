"""This file is where tests read every public byte: what the seal covers, and all who may ask."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from sqlmodel import SQLModel, select
from web_people import API, Host, People, public_routes, watch

from grid import canonical
from grid.auditlog import entries, proofs
from grid.auditlog.leaves import unpacked
from grid.auditlog.tiles import leaves_of
from grid.daemons.integrator import Integrator
from grid.db.store import Store
from grid.db.tables import HostRow, ResultRow, table
from grid.identifiers import Kind

#: What goes into routes that no job's things do.
OF_NO_JOB = {
    "/log/tile/{tile:path}": [f"{kind}/000.p/1" for kind in ("0", "entries")],
    "/log/proof/{leaf:str}": ["0"],
    "/log/receipts/{commitment:str}": ["0" * 64],
    "/embed/{script:str}": ["embed.js"],
    "/consents/{word:str}": ["given"],
    "/admin/accounts/{id:str}": ["acct_0"],
}
#: Hashes and signatures of the log.
LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}=*")
#: Where they are shown.
SIGNED = ("/log/", "/audit")
#: What a scrape tells of Python and the machine, and how long things took there: no job's.
OF_THE_PROCESS = re.compile(rb"(?m)^(python_|process_|grid_\w+_seconds)[^\n]*\n")
#: Fresh in each form.
FRESH = re.compile(rb"""name="csrf" value="[^"]*"|grid-form=[^;]*""")
ADDRESS = "203.0.113.77"
EVENTS = (f"{API}/events", f"{API}/jobs/{{id:str}}/events")


def rows(store: Store, model: type[SQLModel]) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table(model))))


def secrets(people: People, job_id: str, hosts: list[Host]) -> dict[str, str]:
    """Everything that the seal covers, by what it is."""
    number = people.internal(Kind.JOB, job_id)
    grow_log(people.store)
    key, names = people.store.keyring.pseudonym_key, people.store.keyring.identifiers
    found = {"address": ADDRESS, "engine": "marked-engine"}
    for host in hosts:
        found |= {f"host {host.id}": host.id, f"token {host.id}": host.token}
    for row in rows(people.store, HostRow):
        found[f"pseudonym {row.id}"] = entries.pseudonym(key, number, row.principal_id)
    for row in rows(people.store, ResultRow):
        found[f"result {row.id}"] = names.public(Kind.RESULT, row.id)
        for field in ("output_digest", "report_digest", "salt", "output", "message"):
            if getattr(row, field):
                found[f"{field} {row.id}"] = getattr(row, field)
    return found


def paths(people: People, job_id: str) -> Iterator[tuple[str, str]]:
    """Every public route with everything of a job put into it: template, path."""
    job = people.get(f"/jobs/{job_id}").json()
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    chunks = people.get(f"/datasets/{job['dataset']}/chunks").json()["items"]
    digests = [job["program"]["digest"]]
    digests += [column["digest"] for chunk in chunks for column in chunk["columns"]]
    digests += [row.output_digest for row in rows(people.store, ResultRow) if row.output_digest]
    fill = {
        "/jobs/{id:str}": [job_id],
        "/answer/{id:str}": [job_id],
        "/datasets/{id:str}": [job["dataset"]],
        "/workunits/{id:str}": [unit["id"] for unit in units],
        "/job-types/{name:str}": [job["job_type"]],
        "/blobs/{digest:str}": digests,
        **OF_NO_JOB,
    }
    for template in public_routes(people.http.app):
        if "{" not in template:
            yield template, template
            continue
        ((part, values),) = [(part, fill[part]) for part in fill if part in template]
        for value in values:
            path = template.replace(part, re.sub(r"\{.*\}", value, part))
            yield template, re.sub(r"\{(place:int|work_unit:str)\}", "0", path)


def answers(people: People, job_id: str, token: str | None) -> Iterator[tuple[str, bytes]]:
    """Path and every byte of each answer, headers included, the date left out."""
    for template, path in paths(people, job_id):
        if template in EVENTS:
            yield path, b"".join(watch(people, path, 1, token))
            continue
        for query in ("", "?format=csv") if path.endswith("/output") else ("",):
            answer = people.get(f"http://grid.example{path}{query}", token)
            assert answer.status_code < 500, path
            left = {"date", *(("content-length",) if path == "/metrics" else ())}
            headers = {key: text for key, text in answer.headers.items() if key not in left}
            told = f"{answer.status_code} {headers}\n".encode() + in_the_open(path, answer.content)
            yield path + query, FRESH.sub(b"", told)


def in_the_open(path: str, content: bytes) -> bytes:
    """What bytes of the log say, but for commitments, and for hashes and signatures over them.

    A commitment is a hash over a secret salt: it differs for whatever it hides, and tells nothing.
    """
    if path == "/metrics":
        return OF_THE_PROCESS.sub(b"", content)
    if path.startswith("/log/tile/entries/") and content[:1] != b"{":
        return canonical.dumps([hide(one) for one in leaves_of(content, 1)])
    if path.startswith("/log/tile/"):
        return b"%d bytes" % len(content)
    if content.startswith(proofs.FIRST_LINE.encode()):
        extra = proofs.parse(content.decode()).extra
        content = content.replace(base64.b64encode(extra), canonical.dumps(hide(extra)))
    return LONG_BASE64.sub(b"", content) if path.startswith(SIGNED) else content


def hide(leaf: bytes) -> list[Any]:
    """A leaf's entries without their commitments."""
    return [
        [kind, {name: fact for name, fact in facts.items() if name != "commitment"}]
        for kind, facts in unpacked(leaf)
    ]


def grow_log(store: Store) -> None:
    """Publish what no seal keeps back."""
    Integrator(store).do_pass(store, store.now())
