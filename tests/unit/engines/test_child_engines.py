"""This file is where each engine in a child computes, and stops, whatever it is given."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest
from engine_jobs import body, computation
from hypothesis import given
from hypothesis import strategies as st

from grid import canonical
from grid.engines import (
    MESSAGE_LENGTH_MAX,
    EngineError,
    EngineLost,
    ProgramFailed,
    TimeLimit,
    asking,
)
from grid.engines.asking import ChildEngine
from grid.engines.known import KNOWN, make

ECHO = body("return params;")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=JSON)
def test_an_output_is_spelled_as_python_spells_it(engine: ChildEngine, value: object) -> None:
    assert engine.compute(computation(ECHO, value)) == canonical.dumps(value)


def test_parameters_are_data_even_when_they_are_named_like_prototypes(engine: ChildEngine) -> None:
    params = {"__proto__": {"polluted": True}, "constructor": 1}
    assert engine.compute(computation(ECHO, params)) == canonical.dumps(params)
    assert engine.compute(computation(body("return ({}).polluted === undefined;"))) == b"true"


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ("1.5", "1.5"),
        ("0/0", "NaN"),
        ("1/0", "Infinity"),
        ("2**53", "9007199254740992"),
        ("undefined", "undefined"),
        ("10n", "bigint"),
        ("() => 1", "function"),
        ("[1,,2]", "undefined"),
        ("new Map()", "object"),
        ("new Uint8Array(2)", "object"),
        ("Symbol.iterator", "symbol"),
        ('"\\ud800"', "lone surrogate"),
        ('({ "\\udc00": 1 })', "lone surrogate"),
        ("(() => { const a = []; a.push(a); return a; })()", "nested deeper"),
        ('"x".repeat(1048577)', "larger than 1048576 bytes"),
        ('"\u00e9".repeat(600000)', "larger than 1048576 bytes"),
    ],
)
def test_what_no_output_may_hold_is_refused(engine: ChildEngine, value: str, because: str) -> None:
    with pytest.raises(ProgramFailed, match=because.replace("(", r"\(")):
        engine.compute(computation(body(f"return {value};")))


def test_an_output_of_just_the_limit_passes(engine: ChildEngine) -> None:
    job = msgspec.structs.replace(computation(body('return "x".repeat(98);')), output_bytes_max=100)
    assert len(engine.compute(job)) == 100
    with pytest.raises(ProgramFailed, match="larger than 99 bytes"):
        engine.compute(msgspec.structs.replace(job, output_bytes_max=99))


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ('throw new Error("out of cheese");', "Error: out of cheese"),
        ('throw "a word";', "a word"),
        ("throw undefined;", "undefined"),
        ("throw { toString() { throw 1; } };", "failed with something that has no words"),
        ("return missing;", "ReferenceError: missing is not defined"),
        ("const f = () => f(); f();", "RangeError: Maximum call stack size exceeded"),
        (
            "for (const a = [];;) a.push(new Uint8Array(1e8));",
            ("RangeError: Array buffer", "the engine ended by SIGABRT: most likely out"),
        ),
    ],
)
def test_a_program_that_throws_fails_with_its_words(
    engine: ChildEngine, statements: str, message: str | tuple[str, ...]
) -> None:
    with pytest.raises(EngineError) as caught:
        engine.compute(computation(body(statements)))
    assert str(caught.value).startswith(message)
    assert engine.compute(computation(ECHO, 1)) == b"1"


@pytest.mark.parametrize("text", ["", "1", "function (", "null", "}); for (;;); ((function(){"])
def test_text_that_is_no_function_fails(engine: ChildEngine, text: str) -> None:
    with pytest.raises(ProgramFailed):
        engine.compute(computation(text))
    with pytest.raises(ProgramFailed):
        engine.compute(computation(text))


def test_a_message_is_cut(engine: ChildEngine) -> None:
    with pytest.raises(ProgramFailed) as caught:
        engine.compute(computation(body('throw "\u20ac".repeat(1e6);')))
    assert str(caught.value) == "\u20ac" * MESSAGE_LENGTH_MAX


def test_an_endless_loop_is_stopped_and_the_next_program_runs(engine: ChildEngine) -> None:
    started = time.monotonic()
    with pytest.raises(TimeLimit, match=r"time limit of 0\.5 s"):
        engine.compute(computation(body("for (;;);"), time_limit_s=0.5))
    assert time.monotonic() - started < 10
    assert engine.compute(computation(ECHO, "alive")) == b'"alive"'


def test_a_memory_bomb_hurts_nobody_else(engine: ChildEngine) -> None:
    bomb = body("for (let a = [];; a = [a]) a.push(new Array(1000).fill(0.5));")
    with pytest.raises(EngineLost, match="out of memory"):
        engine.compute(computation(bomb, time_limit_s=120))
    assert engine.compute(computation(ECHO, "alive")) == b'"alive"'


@pytest.mark.parametrize("kind", KNOWN)
def test_closing_ends_a_computation_from_another_thread(kind: str) -> None:
    engine = make(kind)
    engine.compute(computation(ECHO))
    timer = threading.Timer(0.3, engine.close)
    timer.start()
    with pytest.raises(EngineLost, match="closed"):
        engine.compute(computation(body("for (;;);"), time_limit_s=60))
    timer.join()
    with pytest.raises(EngineLost, match="closed"):
        engine.compute(computation(ECHO))


@pytest.mark.parametrize("kind", KNOWN)
def test_a_closed_engine_leaves_no_process_and_no_folder(kind: str) -> None:
    with make(kind) as engine:
        engine.compute(computation(ECHO))
        child = engine._child
        assert child is not None
        process, folder = child._process, Path(child._folder.name)
        assert folder.is_dir()
    assert process.returncode is not None
    assert not folder.exists()


@pytest.mark.parametrize("kind", KNOWN)
def test_a_child_that_outlives_its_parent_ends_by_its_cpu_limit(kind: str) -> None:
    with make(kind) as engine:
        engine.compute(computation(ECHO, time_limit_s=7))
        child = engine._child
        assert child is not None
        limits = Path(f"/proc/{child._process.pid}/limits").read_text()
    soft = next(line.split()[3] for line in limits.splitlines() if "cpu time" in line)
    assert 7 < int(soft) < 100


@pytest.mark.parametrize("kind", KNOWN)
def test_elsewhere_than_on_linux_it_refuses_by_name(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking.sys, "platform", "darwin")
    with pytest.raises(OSError, match="this is macOS"):
        make(kind)


def test_an_engine_of_no_known_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="rhino: no such engine; there are deno, quickjs"):
        make("rhino")


def test_a_quickjs_child_can_open_nothing_once_it_was_asked() -> None:
    with make("quickjs") as engine:
        engine.compute(computation(ECHO))
        child = engine._child
        assert child is not None
        limits = Path(f"/proc/{child._process.pid}/limits").read_text()
    files = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert files.split()[3:5] == ["0", "0"]
