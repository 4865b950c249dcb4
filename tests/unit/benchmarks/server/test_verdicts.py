from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks import rows
from benchmarks.rows import OURS, goals_of
from benchmarks.server.measure import Measured
from benchmarks.server.report import write_report
from benchmarks.server.servers import Bare, BareOnnx, ByFramework, KServe, MLServer
from benchmarks.server.verdicts import rows_of

if TYPE_CHECKING:
    from pathlib import Path

MANY = 3_207
GOALS = goals_of("server")


def measured() -> Measured:
    each = Measured()
    for name, rate in ((OURS, 3000), (MLServer.name, 1000), (KServe.name, 900)):
        each.rates[16][name] = [rate, rate, 2 * rate]
        each.forest[name] = [rate]
        each.p99s[16][name] = [1e6 / rate]
        each.starts[MANY][name] = each.all_models[MANY][name] = [60 / rate if name == OURS else 4.0]
        each.memory[MANY][name] = [200.0 if name == OURS else 190.0]
    each.rates[16][Bare.name], each.rates[16][BareOnnx.name] = [4000.0], [6000.0]
    each.forest |= {BareOnnx.name: [4000.0], ByFramework.name: [300.0]}
    each.neighbours |= {OURS: [850.0], Bare.name: [1000.0]}
    each.all_forests[MANY][OURS] = [0.2]
    each.forest_starts[1_000] = {OURS: [7.0], MLServer.name: [30.0]}
    each.forest_memory[1_000] = {OURS: [200.0], MLServer.name: [900.0]}
    each.backs[MANY] = [2.0]
    each.client_busy = [0.3, 0.5]
    for count in (1, 10, 100):
        each.growth_p50[count], each.growth_mib[count] = [300.0 + count], [100.0 + count / 10]
    return each


def of(work: str, what: Measured | None = None) -> rows.Row:
    return next(row for row in rows_of(what or measured(), GOALS) if row.work == work)


def test_a_start_has_the_goal_of_its_number_of_models_and_forests_have_their_own() -> None:
    each = measured()
    each.starts[MANY][OURS], each.starts[MANY][KServe.name] = [1.1], [2.0]
    assert of("3,207 models: start to ready", each).goal == {"at_most": 1.2}
    assert of("3,207 models: start against peers", each).holds
    assert of("1,000 forests: start to ready", each).holds is False
    assert of("1,000 forests: start against peers", each).ratio == pytest.approx(4.29, abs=0.01)
    assert of("3,207 models: killed under load, until ready again", each).holds


def test_more_requests_a_second_are_better_and_the_best_peer_counts() -> None:
    row = of("one model, 16 connections: against peers")
    assert (row.ours, row.peer, row.peer_name, row.ratio, row.holds) == (3000, 1000, "MLServer", 3, True)
    assert row.samples[OURS] == [3000, 3000, 6000]


def test_the_bare_loop_is_no_peer() -> None:
    row = of("one model, 16 connections: against bare loop")
    assert (row.ratio, row.holds) == (0.75, False)
    row = of("one model of nearest neighbours: against bare loop")
    assert (row.ratio, row.holds) == (0.85, True)


def test_a_forest_is_beside_peers_the_bare_loop_and_its_framework() -> None:
    yards = ("peers", "bare loop", "its framework")
    against = {yard: of(f"one forest: against {yard}") for yard in yards}
    assert {yard: (row.ratio, row.holds) for yard, row in against.items()} == {
        "peers": (3, False),
        "bare loop": (0.75, False),
        "its framework": (10, None),
    }
    assert of("all of 3,207 forests").holds


def test_less_time_and_memory_are_better() -> None:
    assert of("one model, 16 connections: p99").ratio == 3
    assert of("all of 3,207 models: against peers").ratio == 200
    memory = of("3,207 models: memory")
    assert (memory.ratio, memory.holds) == (0.95, False)


def test_what_no_server_did_has_no_row() -> None:
    without = measured()
    for samples in (
        without.rates[16],
        without.p99s[16],
        without.forest,
        *(each[MANY] for each in (without.all_models, without.starts, without.memory)),
    ):
        del samples[OURS]
    assert not any(row.work.startswith(("one forest", "one model, ")) for row in rows_of(without, GOALS))
    for name in (MLServer.name, KServe.name):
        del without.memory[MANY][name]
    assert not any(row.work == "3,207 models: memory" for row in rows_of(without, GOALS))


def test_every_goal_is_judged_by_some_row() -> None:
    asked: set[str] = set()

    class Asked(dict[str, rows.Goal]):
        def get(self, name: str, default: object = None) -> rows.Goal | None:  # type: ignore[override]
            asked.add(name)
            return GOALS.get(name)

    rows_of(measured(), Asked())
    assert asked >= GOALS.keys()


def test_the_page_says_what_was_missed_and_who_was_left_out(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="comes with the benchmark's own command")
    result = {"machine": "m", "date": "2026-11-24", "minutes": 1, "versions": {"mlserver": "1.7.1"}}
    result |= {"missing": {"KServe, 3,207 models": "is not ready\nlog"}}
    result |= {"rows": [row.to_json() for row in rows_of(measured(), GOALS)]}
    text = write_report(json.loads(json.dumps(result)), tmp_path).read_text()
    assert re.search(r"\| 3,207 models: memory \|.* at least 1 \| no \|", text)
    assert "Left out: KServe, 3,207 models: is not ready\n" in text
    assert {each.name for each in tmp_path.iterdir()} == {"server.md", *re.findall(r"\]\((.+?\.svg)\)", text)}
