"""This file is where a server's log has witnesses, and where its keys change: what an auditor who
asks for two of three cosignatures sees of it, and what of an old data folder."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner
from web_people import People, opened

from grid.audit import core, whole
from grid.audit.findings import Finding, Mark
from grid.audit.memory import Remembered
from grid.audit.site import Site
from grid.audit.steps import Wanted
from grid.audit.whole import Options
from grid.auditlog import notes, policy
from grid.auditlog.merkle import EMPTY_ROOT
from grid.auditlog.notes import Key
from grid.cli import app
from grid.daemons.cosigner import Cosigner
from grid.daemons.integrator import Behind, Integrator
from grid.db.store import StartRefused, Store
from grid.plugins.registry import Registry
from grid.publishing.signing import Signing
from grid.publishing.witness import WitnessFolder, server
from grid.settings import Settings

URL = "http://grid.example"


@contextmanager
def witness(folder: WitnessFolder) -> Iterator[str]:
    serving = server(folder, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()
        folder.close()


class Watched:
    """A server whose policy is that two of three witnesses are enough."""

    def __init__(self, base: Path, stack: ExitStack) -> None:
        self.base, self.data, self.file = base, base / "data", base / "policy"
        signing = Signing(self.data / "signer", URL)
        (self.key,) = signing.state().keys
        signing.close()
        lines = [f"log {self.key} {URL}/log"]
        self.stacks = [stack.enter_context(ExitStack()) for _ in range(3)]
        for place, one in enumerate(self.stacks):
            folder = WitnessFolder(base / f"w{place}", f"w{place}.example/w", [self.key])
            lines.append(f"witness w{place} {folder.key} {one.enter_context(witness(folder))}")
        self.file.write_text("\n".join([*lines, "group two 2 w0 w1 w2", "quorum two"]))

    @contextmanager
    def serving(self) -> Iterator[People]:
        with opened(
            self.data, run_daemons=False, public_url=URL, witness_policy=self.file
        ) as people:
            yield people

    def grow(self, people: People) -> int:
        """Publish, and ask the witnesses; how many cosigned."""
        store = people.store
        Integrator(store).do_pass(store, store.now())
        return Cosigner(store).do_pass(store, store.now())

    def audit(self, people: People, *keys: Key, policy_: policy.Policy | None) -> list[Finding]:
        options = Options(
            wanted=Wanted(share=0, root=EMPTY_ROOT), registry=Registry(), keys=keys, policy=policy_
        )
        memory = Remembered(URL, self.base / "memory")
        return list(whole.of_site(Site(URL, people.http), options, memory))

    def two_of_three(self) -> policy.Policy:
        return policy.parse(self.file.read_text())


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        yield Watched(tmp_path, stack)


def log_finding(found: Sequence[Finding]) -> Finding:
    assert found[0].check == "log"
    return found[0]


def test_two_of_three_witnesses_are_enough_and_what_they_saw_is_what_is_audited(
    watched: Watched, tmp_path: Path
) -> None:
    wanted = watched.two_of_three()
    with watched.serving() as people:
        assert people.http.get("/log/witnessed").status_code == 404
        job = people.job()
        people.finish(job, [people.host(), people.host()])
        assert watched.grow(people) == 3
        assert Cosigner(people.store).do_pass(people.store, people.store.now()) == 0, "as it stands"
        first = notes.parse(people.http.get("/log/witnessed").text)
        assert notes.verified(first, [watched.key]) and wanted.cosigned_by(first) == {
            "w0", "w1", "w2",
        }  # fmt: skip
        found = watched.audit(people, policy_=wanted)
        assert {one.mark for one in found} == {Mark.HOLDS}, found
        assert "w0, w1, w2 cosigned its first" in log_finding(found).said
        page = people.http.get("/audit").text
        assert "w0.example/w, w1.example/w, w2.example/w" in page
        bundle = tmp_path / "bundle.zip"
        bundle.write_bytes(people.get(f"/jobs/{job}/bundle").content)
        assert core.main(str(bundle), None, str(watched.file)) == 0

        watched.stacks[2].close()
        people.finish(people.job(), [people.host(), people.host()])
        assert watched.grow(people) == 2, "two are enough"
        watched.stacks[1].close()
        late = people.job()
        people.finish(late, [people.host(), people.host()])
        assert watched.grow(people) == 1
        kept = notes.checkpoint(notes.parse(people.http.get("/log/witnessed").text).text)
        newest = notes.checkpoint(notes.parse(people.http.get("/log/checkpoint").text).text)
        assert kept.size < newest.size, "one cosignature does not make a witnessed checkpoint"
        found = watched.audit(people, policy_=wanted)
        assert f"cosigned its first {kept.size} leaves" in log_finding(found).said
        assert late not in {one.job for one in found}, "nobody vouches for what it says of that"
        assert late in {one.job for one in watched.audit(people, policy_=None)}
        bundle.write_bytes(people.get(f"/jobs/{late}/bundle").content)
        assert core.main(str(bundle), None, str(watched.file)) == 1
        assert core.main(str(bundle)) == 0

        every = policy.parse(watched.file.read_text().replace("two 2", "two all"))
        said = log_finding(watched.audit(people, policy_=every))
        assert said.mark is Mark.FAILS and "too few witnesses" in said.said


def test_an_old_data_folder_put_back_whole_grows_no_second_log(watched: Watched) -> None:
    with watched.serving() as people:
        watched.grow(people)
    shutil.copytree(watched.data, watched.base / "backup")
    with watched.serving() as people:
        people.finish(people.job(), [people.host(), people.host()])
        assert watched.grow(people) == 3
    shutil.rmtree(watched.data)
    shutil.copytree(watched.base / "backup", watched.data)
    with watched.serving() as people:
        integrator = Integrator(people.store)
        for _ in range(2):
            with pytest.raises(Behind, match="a witness has a checkpoint of"):
                integrator.do_pass(people.store, people.store.now())


def test_keys_change_by_command_and_an_auditor_who_looks_in_time_follows(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRID_DATA_DIR", str(watched.data))

    def said(*command: str, answer: str | None = None) -> list[str]:
        done = CliRunner().invoke(app, ["key", *command], input=answer)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    with watched.serving() as people:
        watched.grow(people)
        assert said("show") == [str(watched.key)]
        assert log_finding(watched.audit(people, policy_=None)).mark is Mark.HOLDS
        new, old = said("rotate")
        assert old == str(watched.key)
        watched.grow(people)
        assert people.http.get("/log/keys").text.splitlines() == [new, old]
        note = notes.parse(people.http.get("/log/checkpoint").text)
        assert len(notes.verified(note, map(notes.key, (new, old)))) == 2
        assert log_finding(watched.audit(people, policy_=None)).mark is Mark.HOLDS
        refused = CliRunner().invoke(app, ["key", "retire"], input="n\n")
        assert refused.exit_code == 1 and said("show") == [new, old]
        assert said("retire", "--yes") == [new]
        watched.grow(people)
        assert people.http.get("/log/keys").text.splitlines() == [new]
        assert log_finding(watched.audit(people, policy_=None)).mark is Mark.HOLDS
        late = log_finding(watched.audit(people, watched.key, policy_=None))
        assert late.mark is Mark.FAILS and "not signed by a key that is trusted" in late.said
        assert f"--key {new}" in late.said


def test_keys_are_nowhere_without_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRID_DATA_DIR", str(tmp_path / "none"))
    done = CliRunner().invoke(app, ["key", "rotate"])
    assert done.exit_code == 2 and "there is no data folder" in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No such file"), ("", "there is no quorum line"), ("quorum x", "line 1"), ("\xff", "")],
)
def test_a_policy_that_cannot_be_used_is_named_at_start(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "policy"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(StartRefused, match="GRID_WITNESS_POLICY") as refused:
        Store(Settings(data_dir=tmp_path / "data", witness_policy=path))
    assert said in str(refused.value)
