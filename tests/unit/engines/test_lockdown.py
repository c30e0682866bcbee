"""This file is where programs try to get out of the engine, past every check of their text."""

from __future__ import annotations

import pytest
from engine_jobs import body, computation

from grid.engines import ProgramFailed
from grid.engines.asking import ChildEngine

GONE = """
Deno fetch globalThis self window console process require Function eval Date performance crypto
Intl WebAssembly Atomics SharedArrayBuffer WeakRef FinalizationRegistry Proxy Reflect Worker
importScripts setTimeout setInterval queueMicrotask structuredClone Promise RegExp navigator
location localStorage caches indexedDB XMLHttpRequest WebSocket postMessage addEventListener
dispatchEvent MessageChannel BroadcastChannel URL Blob TextDecoder escape Iterator Temporal
ShadowRealm prompt alert close onmessage WeakMap Event EventTarget
"""


@pytest.mark.parametrize("name", GONE.split())
def test_a_name_is_gone(engine: ChildEngine, name: str) -> None:
    assert engine.compute(computation(body(f"return typeof {name};"))) == b'"undefined"'


@pytest.mark.parametrize(
    "expression",
    [
        "(function () {}).constructor",
        "(() => 1).constructor",
        "(async () => 1).constructor",
        "(function* () {}).constructor",
        "(async function* () {}).constructor",
        "Object.getPrototypeOf(Object.getPrototypeOf(async () => 1).constructor || {}).constructor",
        "kit.constructor.constructor",
        "Array.constructor",
        "(class {}).constructor",
    ],
)
def test_no_function_is_made_from_text(engine: ChildEngine, expression: str) -> None:
    # What has lost its constructor inherits Object's, which makes no functions.
    program = body(
        f"let made; try {{ made = {expression}; }} catch {{ return true; }}"
        "return made === undefined || made === Object;"
    )
    assert engine.compute(computation(program)) == b"true"


@pytest.mark.parametrize(
    "expression",
    [
        "Math.random",
        "Math.pow",
        "Math.sin",
        "Error.prepareStackTrace",
        "Error.captureStackTrace",
        "Error.stackTraceLimit",
        "new Error().stack",
        '"".localeCompare',
        '"".normalize',
        "(1).toLocaleString",
        "[].toLocaleString",
        "({}).toLocaleString",
        "new Float64Array(1).toLocaleString",
    ],
)
def test_what_differs_between_machines_is_gone(engine: ChildEngine, expression: str) -> None:
    assert engine.compute(computation(body(f"return !({expression});"))) == b"true"


@pytest.mark.parametrize(
    "source",
    [
        '"file:///etc/passwd", { with: { type: "text" } }',
        '"file:///etc/passwd", { with: { type: "json" } }',
        '"node:fs"',
        '"data:text/javascript,export default 1"',
        '"https://127.0.0.1/x.js"',
    ],
)
def test_an_import_never_settles(engine: ChildEngine, source: str) -> None:
    waits = body(
        f"const seen = []; import({source}).then((m) => seen.push(m), (e) => seen.push(e));"
        "for (let i = 0; i < 1e8; i++); return seen.length;"
    )
    assert engine.compute(computation(waits)) == b"0"
    # Nor afterwards: a later computation finds the engine as it was.
    assert engine.compute(computation(body("return 1;"))) == b"1"


@pytest.mark.parametrize(
    "statement",
    [
        "Array.prototype.push = 1",
        "Object.prototype.left = 1",
        "kit.left = 1",
        "JSON.parse = 1",
        "Math.left = 1",
        "Object.getPrototypeOf(async () => 1).left = 1",
        "Object.getPrototypeOf((async () => 1)()).then = 1",
        "Object.getPrototypeOf(/x/).exec = 1",
        "Object.getPrototypeOf([][Symbol.iterator]()).next = 1",
        "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).left = 1",
        "Object.getPrototypeOf(Uint8Array).left = 1",
        "Object.values(kit)[0].left = 1",
        "left = 1",
    ],
)
def test_nothing_can_be_left_for_the_next_program(engine: ChildEngine, statement: str) -> None:
    with pytest.raises(ProgramFailed, match=r"TypeError|ReferenceError"):
        engine.compute(computation(body(f"{statement}; return 1;")))


@pytest.mark.parametrize("text", ["(function () { return this === undefined; })", "() => !this"])
def test_even_a_program_that_does_not_ask_for_it_is_strict(engine: ChildEngine, text: str) -> None:
    assert engine.compute(computation(text)) == b"true"


def test_no_word_of_a_program_reaches_the_pipe(engine: ChildEngine) -> None:
    with pytest.raises(ProgramFailed, match="console is not defined"):
        engine.compute(computation(body('console.log("x"); return 1;')))
