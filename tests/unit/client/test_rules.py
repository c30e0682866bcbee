"""This file is where the page's rules, which touch neither page nor network, run by themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_rules import run

from grid.dispatch import WhyNoWork
from grid.volunteer.host import REASONS


def test_a_pause_doubles_up_to_five_minutes_and_starts_again_after_a_success() -> None:
    pauses = run(
        "const b = new backoff.Backoff(); out = [];"
        "for (let i = 0; i < 40; i++) out.push(b.next(null, 0.999999));"
        "b.reset(); out.push(b.next(null, 0)); out.push(b.next(7, 0)); out.push(b.next(1e9, 0));",
        "backoff",
    )
    assert [round(pause) for pause in pauses[:5]] == [1, 2, 4, 8, 16]
    assert all(299 < pause <= 300 for pause in pauses[10:40])
    assert pauses[40:] == [0.5, 7, 300]


def test_leases_are_renewed_and_lost_one_by_one() -> None:
    out = run(
        """
        const l = new leases.Leases();
        l.hold("a", "a1"); l.hold("b", "b1");
        const lost = l.renew({ renewed: [
          { result_id: "a", lease: "a2" }, { result_id: "b", reason: "too_late" },
          { result_id: "c", lease: "c1" }, { result_id: "d", reason: "not_yours" },
        ] });
        out = [lost, l.all(), l.of("b")];
        """,
        "leases",
    )
    assert out == [["b"], [{"result_id": "a", "lease": "a2"}], None]


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36", "chromium/156"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "firefox/130"),
        ("Mozilla/5.0 (Mac) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15", "webkit/17"),
        ("curl/8", "unknown/0"),
    ],
)
def test_an_engine_is_named_with_its_version(agent: str, engine: str) -> None:
    assert run(f"out = machine.engineOf({json.dumps(agent)})", "machine") == engine


@pytest.mark.parametrize(
    ("agent", "system"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "linux"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/156.0.0.0", "android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/156.0.0.0", "windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17.4 Safari/605.1.15", "macos"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)", "ios"),
        ("curl/8", "other"),
    ],
)
def test_a_system_is_named_by_its_family(agent: str, system: str) -> None:
    assert run(f"out = machine.systemOf({json.dumps(agent)})", "machine") == system


def test_a_score_counts_rounds_in_a_millisecond_of_the_best_turn() -> None:
    clock = "const ticks = [0, 400, 400, 600, 600, 600.5]; "
    assert run(clock + "out = machine.score(() => ticks.shift())", "machine") == 400_000


def test_a_ban_says_why() -> None:
    said = run('out = reasons.inWords("banned", "two lies")', "reasons")
    assert said.endswith(": two lies")


def test_every_reason_of_the_server_has_words_on_the_page_and_in_the_terminal() -> None:
    names = [one.value for one in WhyNoWork]
    words = run(f"out = {json.dumps(names)}.map(reasons.inWords)", "reasons")
    assert all(" " in text and "_" not in text for text in words)
    assert set(names) == set(REASONS)
    assert run('out = [reasons.inWords("on_holiday"), reasons.inWords()]', "reasons") == [
        "on holiday",
        words[0],
    ]


def test_a_standing_becomes_words_and_a_ban_is_told_with_its_reason_and_the_appeal() -> None:
    said = run(
        "const answers = {valid: 3, invalid: 1, void: 1, in_sealed_jobs: 2};"
        "const words = standing.standingInWords;"
        "const banned = {words: 'So.', appeal: 'Ask.'};"
        "out = [words({banned: null, answers, no_work_of: []}),"
        "words({banned: null, answers, no_work_of: ['a']}),"
        "words({banned, answers, no_work_of: []})]",
        "standing",
    )
    told, why = said[0].split(". ", 1)
    assert told == "3 right, 1 wrong, 1 not counted, 2 in jobs that are still sealed"
    assert "contradict" in why and "no credit" in why
    assert said[1].startswith(said[0]) and "no work of one job" in said[1]
    assert said[2] == "Banned. So. Ask."


def test_whoever_was_never_wrong_is_not_told_what_wrong_means() -> None:
    said = run(
        "const answers = {valid: 3, invalid: 0, void: 0, in_sealed_jobs: 0};"
        "out = standing.standingInWords({banned: null, answers, no_work_of: []})",
        "standing",
    )
    assert said == "3 right, 0 wrong."


def test_settings_that_were_kept_badly_are_as_nobody_chose_them() -> None:
    out = run(
        """
        const bad = {
          cores: 0, dutyPercent: 5, hours: { from: 25, until: 3 }, onBattery: "yes",
          dataMbPerDay: -1, owners: [1, " a ", "a", ""], topics: ["Bad Topic", "climate"],
        };
        const odd = settings.settingsOf(bad);
        const same = (one) => JSON.stringify(one) === JSON.stringify(settings.DEFAULTS);
        const good = { ...settings.DEFAULTS, cores: 3, dutyPercent: 80, dataMbPerDay: null };
        out = [
          [null, 7, "x", []].map((one) => same(settings.settingsOf(one))),
          odd.owners, odd.topics, same({ ...odd, owners: [], topics: [] }),
          JSON.stringify(settings.settingsOf(good)) === JSON.stringify(good),
        ];
        """,
        "settings",
    )
    assert out == [[True] * 4, ["a"], ["climate"], True, True]


@pytest.mark.parametrize(
    ("hours", "allowed"),
    [
        (None, set(range(24))),
        ({"from": 9, "until": 17}, set(range(9, 17))),
        ({"from": 22, "until": 6}, {22, 23, *range(6)}),
        ({"from": 18, "until": 24}, set(range(18, 24))),
        ({"from": 7, "until": 7}, set(range(24))),
    ],
)
def test_hours_are_kept_over_midnight_too(hours: Any, allowed: set[int]) -> None:
    hour_list = run(
        f"const hours = {json.dumps(hours)}; out = [];"
        "for (let h = 0; h < 24; h++) if (settings.withinHours({ hours }, h)) out.push(h);",
        "settings",
    )
    assert set(hour_list) == allowed


def test_listeners_hear_until_they_are_taken_off_and_one_that_throws_stops_nobody() -> None:
    out = run(
        """
        globalThis.reportError = () => {};
        const bus = new events.Bus(); out = [];
        const hear = ({ id }) => out.push(id);
        bus.on("work-unit-done", () => { throw new Error("mine"); });
        bus.on("work-unit-done", hear);
        bus.emit("work-unit-done", { id: "a" }); bus.emit("state", {});
        bus.off("work-unit-done", hear); bus.emit("work-unit-done", { id: "b" });
        """,
        "events",
    )
    assert out == ["a"]
