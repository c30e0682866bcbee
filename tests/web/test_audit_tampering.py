"""This file is where a whole server is tampered with, place by place, and `grid audit` names each.

Its data folder is edited by raw SQL and raw files; forged trees are signed with the real key.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from forging import Entries, Forger, canonical, flip, sha256
from web_people import opened

from grid.audit import whole
from grid.audit.faults import Broken, Unreadable
from grid.audit.findings import Finding, Mark, first_failure
from grid.audit.memory import Remembered
from grid.audit.promises import Promise, Promised, promise
from grid.audit.receipts import receipt
from grid.audit.site import Site
from grid.audit.steps import Wanted
from grid.audit.whole import Options
from grid.auditlog.merkle import EMPTY_ROOT
from grid.daemons.integrator import Integrator
from grid.db.keyring import open_keyring
from grid.plugins.registry import Registry

URL = "http://grid.example"
REGISTRY = Registry()


def published(people: Any) -> None:
    Integrator(people.store).do_pass(people.store, people.store.now())


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`early`: a server after one job; `late`: the same one after two; `receipt`: of an answer;
    `token`: of a host that has answered; `promise`: what it was told then."""
    base = tmp_path_factory.mktemp("originals")
    with opened(base / "late", run_daemons=False) as people:
        hosts = [people.host(), people.host()]
        job = people.job()
        (base / "promise").write_text(json.dumps(promised(hosts[0])))
        people.finish(job, hosts)
        published(people)
        (base / "token").write_text(hosts[0].token)
        commit = next(
            number
            for number, leaf in enumerate(Forger(base / "late").leaves())
            if b'"commit"' in leaf
        )
        (base / "receipt").write_text(people.http.get(f"/log/proof/{commit}").text)
    shutil.copytree(base / "late", base / "early")
    with opened(base / "late", run_daemons=False) as people:
        people.finish(
            people.job({"column": "score"}, job_type="SUM"), [people.host(), people.host()]
        )
        published(people)
    return base


def promised(host: Any) -> dict[str, Any]:
    """What a host keeps of an answer that was taken."""
    (mine,) = host.ask()
    report = host.computed(mine)
    (said,) = host.tell(report)
    output = sha256(base64.b64decode(report["output"]))
    return {"result_id": mine["result_id"], "output": output, **said["promise"]}


@pytest.fixture
def data(originals: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to tamper with."""
    shutil.copytree(originals / "late", tmp_path / "data")
    yield tmp_path / "data"
    shutil.rmtree(tmp_path / "data")


def audited(
    data: Path, memory: Path, *receipts: Path, share: float = 0.0,
    promises: tuple[Promise, ...] = (),
) -> list[Finding]:  # fmt: skip
    options = Options(
        wanted=Wanted(share=share, root=EMPTY_ROOT),
        registry=REGISTRY,
        receipts=tuple(receipt(one.name, one.read_text()) for one in receipts),
        promises=promises,
    )
    with opened(data, run_daemons=False) as people:
        return list(whole.of_site(Site(URL, people.http), options, Remembered(URL, memory)))


@pytest.fixture(scope="module")
def memory(originals: Path) -> Path:
    """What an auditor remembers who saw the untampered log."""
    copy = originals / "seen"
    shutil.copytree(originals / "late", copy)
    found = audited(copy, originals / "memory", originals / "receipt")
    assert {one.mark for one in found} == {Mark.HOLDS}, found
    assert {one.check for one in found} == {
        "log", "credit", "job", "verdicts", "data", "program", "output",
    }  # fmt: skip
    return originals / "memory"


def failure(found: list[Finding]) -> tuple[str, str]:
    failed = first_failure(found)
    assert failed is not None, found
    return failed.check, failed.said


def verdict(told: Entries, job_type: str = "filterBy") -> dict[str, Any]:
    job = next(
        facts["job"] for kind, facts in told if kind == "job" and facts.get("job_type") == job_type
    )
    return next(facts for kind, facts in told if kind == "verdict" and facts["job"] == job)


def test_a_flipped_bit_in_a_blob(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    ((digest,),) = forger.sql(
        "SELECT digest FROM chunk_column WHERE chunk = 1 AND place = 2 LIMIT 1"
    )
    path = forger.blob(digest)
    path.write_bytes(flip(path.read_bytes(), -9))
    check, said = failure(audited(data, tmp_path))
    assert check == "data" and digest in said and "SHA-256" in said


def test_a_flipped_bit_in_an_entry(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    number = next(n for n, leaf in enumerate(forger.leaves()) if b'"commit"' in leaf)
    leaf = forger.leaves()[number]
    forger.sql(
        "UPDATE leaf SET data = ? WHERE number = ?", flip(leaf, leaf.index(b"hex") + 9), number
    )
    assert failure(audited(data, tmp_path)) == (
        "log", f"leaf {number} was changed: its hash is not the tree's"
    )  # fmt: skip


def test_a_flipped_bit_in_a_tile(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    ((hashed,),) = forger.sql("SELECT hash FROM leaf WHERE number = 1")
    forger.sql("UPDATE leaf SET hash = ? WHERE number = 1", flip(hashed, 5))
    check, said = failure(audited(data, tmp_path))
    assert check == "log" and "edge of the tree do not lead to the root" in said


def test_a_flipped_bit_in_a_signature(data: Path, tmp_path: Path) -> None:
    path = data / "log" / "checkpoint"
    text = path.read_text()
    path.write_text(text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:])
    check, said = failure(audited(data, tmp_path))
    assert check == "log" and "checkpoint does not hold" in said


def dropped(told: Entries) -> None:
    del told[next(n for n, (kind, _) in enumerate(told) if kind == "plugin")]


def reordered(told: Entries) -> None:
    told[1], told[2] = told[2], told[1]


def inserted(told: Entries) -> None:
    told.insert(2, ("ban", {**told[1][1], "by": "admin"}))


@pytest.mark.parametrize("change", [dropped, reordered, inserted], ids=lambda one: one.__name__)
def test_an_entry_that_was(data: Path, memory: Path, tmp_path: Path, change: Any) -> None:
    shutil.copytree(memory, tmp_path / "memory")
    Forger(data).forge(change)
    check, said = failure(audited(data, tmp_path / "memory"))
    assert check == "log" and ("history was rewritten" in said or "rolled back" in said)


def test_a_dropped_commitment_is_missed_by_who_audits_for_the_first_time(
    data: Path, tmp_path: Path
) -> None:
    def change(told: Entries) -> None:
        del told[next(n for n, (kind, _) in enumerate(told) if kind == "commit")]

    Forger(data).forge(change)
    check, said = failure(audited(data, tmp_path))
    assert check == "verdicts" and "never committed" in said


def test_a_rewritten_verdict(data: Path, tmp_path: Path) -> None:
    def change(told: Entries) -> None:
        facts = verdict(told)
        facts["canonical"] = "0" * 64

    Forger(data).forge(change)
    check, said = failure(audited(data, tmp_path))
    assert check == "verdicts" and "verdict on work unit 0 does not follow from its facts" in said


def test_a_swapped_program(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    ((old, job),) = forger.sql("SELECT program_digest, id FROM job WHERE job_type = 'filterBy'")
    text = forger.blob(old).read_bytes()
    new = forger.put(text.replace(b"{", b"{ ", 1))
    forger.sql("UPDATE job SET program_digest = ? WHERE id = ?", new, job)

    def change(told: Entries) -> None:
        next(facts for kind, facts in told if facts.get("program") == old)["program"] = new

    forger.forge(change)
    check, said = failure(audited(data, tmp_path))
    assert (check, said) == (
        "program",
        "the program is not what this version generates from the spec",
    )


def test_a_changed_output_row(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    ((part, job),) = forger.sql(
        "SELECT digest, job_id FROM output_part JOIN job ON job.id = job_id"
        " WHERE job_type = 'filterBy'"
    )
    with pa.ipc.open_stream(forger.blob(part).read_bytes()) as reader:
        table = reader.read_all()
    values = table.column("score").to_pylist()
    changed = pa.array([values[0] + 1, *values[1:]], table.schema.field("score").type)
    table = table.set_column(2, table.schema.field("score"), changed)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    new = forger.put(bytes(sink.getvalue()))
    forger.sql("UPDATE output_part SET digest = ? WHERE digest = ?", new, part)
    ((old,),) = forger.sql("SELECT manifest_digest FROM output WHERE job_id = ?", job)
    facts = json.loads(forger.blob(old).read_bytes())
    facts["parts"][0]["digest"] = new
    manifest = forger.put(canonical(facts))
    forger.sql("UPDATE output SET manifest_digest = ? WHERE job_id = ?", manifest, job)
    assert sha256(canonical(facts)) == manifest

    def change(told: Entries) -> None:
        next(one for kind, one in told if one.get("manifest") == old)["manifest"] = manifest

    forger.forge(change)
    check, said = failure(audited(data, tmp_path))
    assert check == "output"
    assert said.startswith('row 1 of the output is [9, "Suyash", 6]')
    assert said.endswith('the canonical answers give [9, "Suyash", 5]')


def test_a_rolled_back_database(originals: Path, memory: Path, tmp_path: Path) -> None:
    shutil.copytree(memory, tmp_path / "memory")
    shutil.copytree(originals / "early", tmp_path / "early")
    check, said = failure(audited(tmp_path / "early", tmp_path / "memory"))
    assert check == "log" and "rolled back: it had" in said


def test_two_checkpoints_of_one_size(data: Path, memory: Path, tmp_path: Path) -> None:
    shutil.copytree(memory, tmp_path / "memory")
    forger = Forger(data)
    leaves = forger.leaves()
    other = leaves[-1].replace(b'"minute":', b'"minute":1')
    assert other != leaves[-1]
    forger.replace([*leaves[:-1], other])
    check, said = failure(audited(data, tmp_path / "memory"))
    assert check == "log" and "a fork: two checkpoints of" in said


def test_a_credit_granted_twice_in_the_database(data: Path, tmp_path: Path) -> None:
    Forger(data).sql(
        "UPDATE volunteer SET credit = 2 * credit WHERE id ="
        " (SELECT min(id) FROM volunteer WHERE credit > 0)"
    )
    check, said = failure(audited(data, tmp_path))
    assert check == "credit" and "leaderboard shows" in said


def test_a_credit_granted_twice_in_the_log(data: Path, tmp_path: Path) -> None:
    def change(told: Entries) -> None:
        votes = verdict(told)["votes"]
        votes.append(votes[0])

    Forger(data).forge(change)
    check, said = failure(audited(data, tmp_path))
    assert check == "verdicts" and "grants its credit twice" in said


def test_a_result_left_out_although_there_is_a_receipt(
    data: Path, originals: Path, tmp_path: Path
) -> None:
    """With every trace of it: no commitment, no vote. Only the receipt is left."""
    forger = Forger(data)

    def change(told: Entries) -> None:
        del told[next(n for n, (kind, _) in enumerate(told) if kind == "commit")]

    forger.forge(change)
    check, said = failure(audited(data, tmp_path, originals / "receipt"))
    assert check == "log" and said.startswith("a result was left out")
    assert "receipt" in said


def kept(originals: Path, **otherwise: Any) -> tuple[Promise, ...]:
    facts = json.loads((originals / "promise").read_text()) | otherwise
    return (promise("mine", json.dumps(facts)),)


def test_a_promise_is_kept_and_one_of_somebody_else_is_none(
    data: Path, originals: Path, tmp_path: Path
) -> None:
    found = audited(data, tmp_path, promises=kept(originals))
    assert {one.mark for one in found} == {Mark.HOLDS}, found
    for otherwise in ({"output": "0" * 64}, {"at": 1}, {"signature": "AAAA"}):
        other = kept(originals, **otherwise)
        check, said = failure(audited(data, tmp_path / "other", promises=other))
        assert (check, said) == (
            "log", "the promise mine is not signed by a key that the log names"
        )  # fmt: skip


def test_a_result_left_out_although_it_was_promised(
    data: Path, originals: Path, tmp_path: Path
) -> None:
    mine = kept(originals)

    def change(told: Entries) -> None:
        del told[
            next(
                n for n, (_, one) in enumerate(told) if one.get("commitment") == mine[0].commitment
            )
        ]

    Forger(data).forge(change)
    (found,) = audited(data, tmp_path, promises=mine)
    assert found.mark is Mark.UNCHECKED and "not due yet" in found.said
    late = Promised(mine, clock=lambda: mine[0].at + 61)
    for number, leaf in enumerate(Forger(data).leaves()):
        late.see(number, leaf)
    with pytest.raises(Broken, match="a result was left out: the promise mine"):
        late.close()


def test_an_answer_that_is_counted_as_another_than_was_promised(
    data: Path, originals: Path, tmp_path: Path
) -> None:
    (mine,) = kept(originals, output="0" * 64)
    signature = open_keyring(data).promises.sign(mine.statement())
    signed = msgspec.structs.replace(mine, signature=signature)
    check, said = failure(audited(data, tmp_path, promises=(signed,)))
    assert check == "log" and "the verdict counts it as" in said


@pytest.mark.parametrize("text", ["{}", "{", '{"result_id": 1}', "[]", '{"at": "x"}'])
def test_what_is_no_promise_is_named(text: str) -> None:
    with pytest.raises(Unreadable, match="mine: no promise"):
        promise("mine", text)


def test_a_result_that_the_server_answers_otherwise(data: Path, tmp_path: Path) -> None:
    """A canonical answer that is another one than its verdict says."""
    forger = Forger(data)
    forger.sql("""UPDATE result SET output = '{"limbs":[1]}'""")
    check, said = failure(audited(data, tmp_path))
    assert check == "output" and "the answer of work unit 0" in said


def test_a_deleted_job(data: Path, tmp_path: Path) -> None:
    forger = Forger(data)
    forger.sql("UPDATE job SET public = 0 WHERE job_type = 'SUM'")
    marks = {one.check: one for one in audited(data, tmp_path) if one.mark is Mark.FAILS}
    assert "the log tells of it" in marks["job"].said


def test_a_volunteer_who_is_erased_leaves_a_log_that_holds(
    data: Path, originals: Path, memory: Path, tmp_path: Path
) -> None:
    """One of a job whose seal has opened, and one in the midst of a sealed one."""
    shutil.copytree(memory, tmp_path / "memory")
    with opened(data, run_daemons=False) as people:
        early, *others = (people.host() for _ in range(3))
        job = people.job()
        early.tell(*map(early.computed, early.ask(2)))
        for token in ((originals / "token").read_text(), early.token):
            bearer = {"Authorization": f"Bearer {token}"}
            assert people.http.delete("/api/v1/volunteers/me", headers=bearer).status_code == 200
            assert people.http.delete("/api/v1/volunteers/me", headers=bearer).status_code == 401
        people.finish(job, others)
        published(people)
    found = audited(data, tmp_path / "memory", share=1.0)
    assert {one.mark for one in found} == {Mark.HOLDS}, found
    checks = [one.check for one in found if one.job == job]
    assert checks == ["job", "verdicts", "data", "program", "output", "rerun"]
