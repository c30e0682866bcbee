"""This file is where it is tried how hard a browser works, by what it is told of its machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_rules import run

#: A laptop on its mains, doing nothing else.
CALM = {
    "visible": True, "frozen": False, "onBattery": False, "mobile": False, "saveData": False,
    "pressure": "nominal", "lagMs": 0, "processors": 4, "hour": 12, "bytesToday": 0,
}  # fmt: skip


def paced(settings: dict[str, Any], conditions: dict[str, Any]) -> dict[str, Any]:
    given = json.dumps({**CALM, **conditions})
    chosen = f"{{ ...settings.DEFAULTS, ...{json.dumps(settings)} }}"
    found: dict[str, Any] = run(f"out = pace.pace({chosen}, {given})", "pace", "settings")
    return found


@pytest.mark.parametrize(
    ("settings", "conditions", "pause"),
    [
        ({}, {}, None),
        ({}, {"onBattery": True}, "battery"),
        ({"onBattery": True}, {"onBattery": True}, None),
        # A telephone that does not say is on its battery; a desktop that does not say is not.
        ({}, {"onBattery": None, "mobile": True}, "battery"),
        ({}, {"onBattery": None, "mobile": False}, None),
        ({}, {"saveData": True}, "save-data"),
        ({"onSaveData": True}, {"saveData": True}, None),
        ({}, {"saveData": None}, None),
        ({}, {"visible": False}, "hidden"),
        ({"hiddenTab": True}, {"visible": False}, None),
        ({"hiddenTab": True}, {"frozen": True}, "hidden"),
        ({"hours": {"from": 22, "until": 6}}, {"hour": 12}, "hours"),
        ({"hours": {"from": 22, "until": 6}}, {"hour": 5}, None),
        ({}, {"bytesToday": 200_000_000}, "data-cap"),
        ({}, {"bytesToday": 199_999_999}, None),
        ({"dataMbPerDay": None}, {"bytesToday": 10**12}, None),
    ],
)
def test_a_browser_pauses_for_what_its_volunteer_did_not_allow(
    settings: dict[str, Any], conditions: dict[str, Any], pause: str | None
) -> None:
    found = paced(settings, conditions)
    assert found["pause"] == pause
    assert found["workers"] == (0 if pause else 1)


@pytest.mark.parametrize(
    ("settings", "conditions", "workers", "duty"),
    [
        ({}, {}, 1, 0.25),
        ({"cores": 9, "dutyPercent": 100}, {}, 4, 1),
        # Somebody else's pressure halves it, level by level, and never stops it.
        ({}, {"pressure": "fair"}, 1, 0.125),
        ({}, {"pressure": "serious"}, 1, 0.0625),
        ({}, {"pressure": "critical"}, 1, 0.0625),
        # What its own share makes is no reason to slow down.
        ({"cores": 4, "dutyPercent": 100}, {"pressure": "critical"}, 4, 1),
        ({"cores": 2, "dutyPercent": 100}, {"pressure": "fair"}, 2, 1),
        ({"cores": 2, "dutyPercent": 100}, {"pressure": "serious"}, 2, 0.5),
        # Where the browser does not tell, late timers do; where it tells, or hides the page, not.
        ({}, {"pressure": None, "lagMs": 61}, 1, 0.125),
        ({}, {"pressure": None, "lagMs": 500}, 1, 0.0625),
        ({}, {"lagMs": 500}, 1, 0.25),
        ({"hiddenTab": True}, {"visible": False, "pressure": None, "lagMs": 500}, 1, 0.25),
    ],
)
def test_the_duty_is_what_was_chosen_less_what_others_need(
    settings: dict[str, Any], conditions: dict[str, Any], workers: int, duty: float
) -> None:
    assert paced(settings, conditions) == {"workers": workers, "duty": duty, "pause": None}


def test_a_rest_makes_the_share_of_the_time_come_out() -> None:
    pairs = [(100, 0.25), (100, 0.5), (40, 0.8), (70, 1)]
    rests = run(f"out = {json.dumps(pairs)}.map(([ms, duty]) => pace.restMs(ms, duty))", "pace")
    for (took, duty), rest in zip(pairs, rests, strict=True):
        assert took / (took + rest) == pytest.approx(duty)


def test_quick_work_is_fetched_further_ahead_than_slow_work() -> None:
    assert run("out = [null, 1, 100, 250, 5000].map(pace.ahead)", "pace") == [1, 4, 4, 2, 1]


#: A crew on a clock of its own, whose frames answer when they are told to.
CREW = """
let clock = 0;
const timers = new Map();
let timerCount = 0;
globalThis.setTimeout = (then, ms) => (timers.set(++timerCount, [clock + ms, then]), timerCount);
globalThis.clearTimeout = (id) => timers.delete(id);
const settle = async () => { for (let turn = 0; turn < 20; turn++) await null; };
const pass = async (ms) => {
  clock += ms;
  for (const [id, [at, then]] of [...timers]) if (at <= clock) { timers.delete(id); then(); }
  await settle();
};
const asked = [], removed = [];
let frames = 0;
const makeSandbox = () => {
  const name = ++frames;
  return {
    compute: (job, signal) => new Promise((resolve, reject) => {
      asked.push({ frame: name, job, answer: resolve });
      signal.addEventListener("abort", () => reject(signal.reason));
    }),
    remove: () => removed.push(name),
  };
};
const started = [], ended = [];
const one = new crew.Crew(
  makeSandbox,
  (held) => started.push(held.id),
  ({ held, answer }) => ended.push([held.id, answer.message ?? "output"]),
  () => clock,
);
const ready = { fetch: async ({ result_id }) => result_id };
const add = (id) => one.add(new held.Held({ result_id: id, job: {} }, ready));
"""


def crew(statements: str) -> Any:
    return run(CREW + statements, "crew", "held")


def test_each_web_worker_computes_one_work_unit_in_a_frame_of_its_own() -> None:
    out = crew(
        """
        one.set(2, 1);
        ["a", "b", "c"].forEach(add); await settle();
        const first = asked.map(({ frame, job }) => [frame, job]);
        asked[1].answer({ output: 1, elapsedMs: 1 }); await settle();
        out = [first, asked.slice(2).map(({ frame, job }) => [frame, job]), ended, started];
        """
    )
    assert out == [[[1, "a"], [2, "b"]], [[2, "c"]], [["b", "output"]], ["a", "b", "c"]]


def test_a_web_worker_rests_after_each_work_unit_for_its_share() -> None:
    out = crew(
        """
        one.set(1, 0.25);
        ["a", "b"].forEach(add); await settle();
        await pass(100); asked[0].answer({ output: 1, elapsedMs: 100 }); await settle();
        await pass(299); const before = asked.length;
        await pass(1); out = [before, asked.length, one.computedMs, one.usualMs];
        """
    )
    assert out == [1, 2, 100, 400]


def test_a_rest_is_over_sooner_when_more_is_allowed_meanwhile() -> None:
    out = crew(
        """
        one.set(1, 0.1);
        ["a", "b"].forEach(add); await settle();
        await pass(100); asked[0].answer({ output: 1, elapsedMs: 100 }); await settle();
        one.set(1, 0.5); await pass(99); const before = asked.length;
        await pass(1); out = [before, asked.length];
        """
    )
    assert out == [1, 2]


def test_clearing_removes_every_frame_at_once_and_nothing_of_it_is_reported() -> None:
    out = crew(
        """
        one.set(2, 1);
        ["a", "b", "c"].forEach(add); await settle();
        const given = one.clear().map(({ id }) => id);
        const at_once = [...removed];
        asked[0].answer({ output: 1, elapsedMs: 1 }); await pass(1000);
        out = [given, at_once, ended, one.computing.length, one.stock.length];
        """
    )
    assert out == [["a", "b", "c"], [1, 2], [], 0, 0]


def test_what_the_server_wants_no_more_is_dropped_and_the_next_begins() -> None:
    out = crew(
        """
        one.set(1, 1);
        ["a", "b"].forEach(add); await settle();
        one.drop("a"); await settle();
        out = [asked.map(({ job }) => job), ended];
        """
    )
    assert out == [["a", "b"], []]


def test_inputs_that_never_come_are_said_to_be_no_programs_fault() -> None:
    out = crew(
        """
        ready.fetch = async () => { throw new Error("no line"); };
        one.set(1, 1); add("a"); await settle();
        out = [ended, started];
        """
    )
    assert out == [[["a", "no line"]], []]


#: A shelf that keeps what it is given, as IndexedDB does, in the order of ids.
SHELF = """
const kept = new Map();
const shelf = {
  all: async () => [...kept.values()].map((one) => structuredClone(one)),
  put: async (one) => void kept.set(one.report.result_id, structuredClone(one)),
  drop: async (id) => void kept.delete(id),
  clear: async () => kept.clear(),
};
const one = (id, output, hostId = "h") => ({
  hostId, job: {}, report: { result_id: id, lease: "l", outcome: "success", output }, body: null,
});
const said = (...ids) => ({ reports: ids.map((id) => ({ result_id: id, accepted: true })) });
"""


def test_a_finished_answer_is_kept_until_the_server_speaks_of_it_and_never_changes() -> None:
    out = run(
        SHELF
        + """
        const r = new reports.Reports(shelf);
        r.add(one("a", "1")); r.add(one("a", "2")); r.add(one("b", "3"));
        const before = r.unsettled().map(({ output }) => output);
        const taken = r.settle(said("a", "x"));
        const late = { result_id: "b", accepted: false, reason: "too_late" };
        const left = [...kept.keys()];
        const refused = r.settle({ reports: [late] });
        out = [before, taken, left, refused, r.unsettled(), kept.size];
        """,
        "reports",
    )
    assert out == [["1", "3"], ["a"], ["b"], [], [], 0]


def test_what_a_visit_left_unsettled_the_next_one_of_the_same_host_reports_unchanged() -> None:
    out = run(
        SHELF
        + """
        const before = new reports.Reports(shelf);
        before.add(one("a", "1")); before.add(one("b", "2", "other"));
        const report = { result_id: "c", lease: "l", outcome: "released" };
        before.add({ ...one("c", "3"), report });
        const after = new reports.Reports(shelf);
        await after.recall("h");
        const told = after.unsettled().map(({ result_id, output }) => [result_id, output]);
        out = [told, [...kept.keys()]];
        """,
        "reports",
    )
    assert out == [[["a", "1"]], ["a"]]


def test_a_large_output_is_reported_only_once_it_was_put() -> None:
    out = run(
        SHELF
        + """
        const r = new reports.Reports(shelf);
        r.add({ ...one("a"), body: new ArrayBuffer(9) });
        const first = [r.unsettled().length, kept.get("a").body.byteLength, r.ids()];
        const [large] = r.toPut(); r.wasPut(large);
        out = [first, r.unsettled().length, kept.get("a").body, r.toPut().length];
        """,
        "reports",
    )
    assert out == [[0, 9, ["a"]], 1, None, 0]


def test_the_server_hears_of_a_few_answers_at_a_time() -> None:
    out = run(
        SHELF
        + """
        const r = new reports.Reports(shelf);
        for (let n = 0; n < 40; n++) r.add(one(`r${n}`, "1"));
        const sent = [];
        while (r.unsettled().length > 0) {
          const next = r.next(); sent.push(next.length);
          r.settle(said(...next.map(({ result_id }) => result_id)));
        }
        out = sent;
        """,
        "reports",
    )
    assert sum(out) == 40
    assert max(out) <= 16
