"""This file is where privacy is tested: no public byte tells anything of a private data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from public_bytes import OF_NO_JOB
from sqlmodel import SQLModel, select
from web_people import API, People, public_routes, watch

from grid.db.tables import ResultRow, table
from grid.identifiers import Kind

CELL = 12345678901
#: What only their owner calls them.
NAMES = {"column": "secretcolumn", "job name": "hidden question", "data set name": "hidden table"}
EVENTS = (f"{API}/events", f"{API}/jobs/{{id:str}}/events")


def private_job(people: People) -> tuple[str, str]:
    """A job on a private data set: their ids."""
    rows = f"{NAMES['column']}\n" + f"{CELL}\n-1\n" * 9  # no other work unit has this answer
    dataset = people.dataset(rows, public="false", header="true", name=NAMES["data set name"])
    spec = {"where": f"{NAMES['column']} > 0"}
    return people.job(spec, dataset, name=NAMES["job name"]), dataset


def rows(people: People, model: type[SQLModel]) -> list[Any]:
    with people.store.read() as connection:
        return list(connection.execute(select(table(model))))


def places(people: People, job_id: str, token: str | None) -> dict[str, list[str]]:
    """What the parts of a path may be for a job and its data, as its owner knows them."""
    job = people.get(f"/jobs/{job_id}", token).json()
    units = people.get(f"/jobs/{job_id}/workunits", token).json()["items"]
    chunks = people.get(f"/datasets/{job['dataset']}/chunks", token).json()["items"]
    blobs = [job["program"]["digest"], *(one["manifest"] for one in job["outputs"])]
    blobs += [column["digest"] for chunk in chunks for column in chunk["columns"]]
    number = people.internal(Kind.JOB, job_id)
    answers = [row.output_digest for row in rows(people, ResultRow) if row.job_id == number]
    return {
        "/jobs/{id:str}": [job_id],
        "/answer/{id:str}": [job_id],
        "/datasets/{id:str}": [job["dataset"]],
        "/workunits/{id:str}": [unit["id"] for unit in units],
        "/job-types/{name:str}": [job["job_type"]],
        "/blobs/{digest:str}": [*blobs, *filter(None, answers)],
    }


def answers(
    people: People, known: Sequence[Mapping[str, list[str]]], token: str | None
) -> Iterator[tuple[str, str]]:
    """Every GET route with everything known put into it: path, and all it answers with headers."""
    for template in public_routes(people.http.app):
        paths = {template} if "{" not in template else set()
        for places in (*known, OF_NO_JOB):
            for part, values in places.items():
                if part in template:
                    filled = [re.sub(r"\{.*\}", value, part) for value in values]
                    paths |= {template.replace(part, one) for one in filled}
        assert paths, f"{template}: nothing to put into it"
        for path in sorted(paths):
            if template in EVENTS and _streams(people, path, token):
                yield path, b"".join(watch(people, path, 1, token)).decode()
                continue
            answer = people.get(f"http://grid.example{path}", token)
            assert answer.status_code < 500, path
            yield path, f"{dict(answer.headers)}\n{answer.text}"


def _streams(people: People, path: str, token: str | None) -> bool:
    """Whether events are to be had here: the server's are, and those of a job that is."""
    of = path.removesuffix("/events")
    return of == API or people.get(of, token).status_code == 200


def secrets(people: People, known: Mapping[str, list[str]], job_id: str) -> dict[str, str]:
    """Everything that only the owner may read, by what it is."""
    dataset = people.get(f"/datasets/{known['/datasets/{id:str}'][0]}", people.requester).json()
    found = {**NAMES, "cell": str(CELL), "source": dataset["source_digest"]}
    number = people.internal(Kind.JOB, job_id)
    results = [row.id for row in rows(people, ResultRow) if row.job_id == number]
    of = people.store.keyring.identifiers.public
    found |= {f"result {one}": of(Kind.RESULT, one) for one in results}
    for part, values in known.items():
        if part != "/job-types/{name:str}":
            found |= {f"{part} {place}": value for place, value in enumerate(values)}
    return found


def told(
    people: People, known: Sequence[Mapping[str, list[str]]], token: str | None,
    hidden: Mapping[str, str],
) -> set[tuple[str, str]]:  # fmt: skip
    """Path and what it gave away, what was asked for by its own name left out."""
    return {
        (path, what)
        for path, answer in answers(people, known, token)
        for what, text in hidden.items()
        if text in answer and text not in path
    }


def test_no_public_route_tells_anything_of_a_private_data_set(people: People) -> None:
    job_id, _ = private_job(people)
    public = people.job()
    strangers = (None, people.token("another requester", "requester"), people.host().token)
    trusted = people.host(people.token("ann", "trusted_host"))
    held = trusted.ask()
    for ended in (False, True):
        if ended:
            people.finish(public, [people.host(), people.host()])
            trusted.tell(*map(trusted.computed, held))
            people.finish(job_id, [trusted])
        known = [places(people, one, people.requester) for one in (job_id, public)]
        hidden = secrets(people, known[0], job_id)
        for token in strangers:
            assert told(people, known, token, hidden) == set()
        seen = {what for _, what in told(people, known, people.requester, hidden)}
        assert seen >= {*NAMES, "cell", "source", "/jobs/{id:str} 0", "/datasets/{id:str} 0"}
        assert not ended or {what for what in hidden if what.startswith("result")} <= seen
