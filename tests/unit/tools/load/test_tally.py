"""The counts of a load with given times."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tools.load import Failure, LoadReport
from tools.load.tally import Tally


@dataclass
class Load:
    """A load of 200 requests/s for half a second on a simulated clock, each answered when it is due."""

    time: float = 1000.0
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(200, clock=lambda: self.time)

    def answer(self, version: str, cluster: str) -> None:
        self.tally.good(version, cluster, latency=0.002)
        self.time += 0.005

    def fail(self) -> None:
        self.tally.failed(Failure.STATUS, "line-0", "503")
        self.time += 0.005

    def report(self) -> LoadReport:
        return self.tally.report(self.tally.now(), finished=True)


def test_the_longest_gap_between_good_answers_is_found() -> None:
    load = Load()
    for number in range(100):
        if 40 <= number < 80:
            load.fail()
        else:
            load.answer("v1", "d1")
    report = load.report()
    assert report.failed == {Failure.STATUS: 40}
    assert report.longest_gap_ms == pytest.approx(205)
    assert report.longest_gap_at == pytest.approx(0.195)


def test_a_service_that_never_comes_back_is_a_gap_up_to_the_end() -> None:
    load = Load()
    for number in range(100):
        if number < 50:
            load.answer("v1", "d1")
        else:
            load.fail()
    assert load.report().longest_gap_ms == pytest.approx(255)


def test_a_switch_is_seen_with_its_time() -> None:
    load = Load()
    for number in range(100):
        # Around the switch both versions answer, as while the switch reaches a proxy's connections.
        if number < 50 or number in (51, 53):
            load.answer("v1", "d1")
        else:
            load.answer("v2", "d2")
    first, second = load.report().spells
    assert (first.version, first.cluster, first.answers) == ("v1", "d1", 52)
    assert (second.version, second.cluster, second.answers) == ("v2", "d2", 48)
    assert (first.first, first.last) == pytest.approx((0.0, 0.265))
    assert (second.first, second.last) == pytest.approx((0.25, 0.495))


def test_a_version_that_answers_again_after_a_pause_has_two_spells() -> None:
    load = Load()
    load.answer("v1", "d1")
    load.time += 2
    load.answer("v1", "d1")
    assert [(spell.version, spell.answers) for spell in load.report().spells] == [("v1", 1), ("v1", 1)]


def test_percentiles_are_those_of_the_latencies() -> None:
    load = Load()
    for milliseconds in range(1, 101):
        load.tally.good("v1", "d1", milliseconds / 1000)
    latency = load.report().latency_ms
    assert latency.p50 == pytest.approx(50, abs=0.2)
    assert latency.p99 == pytest.approx(99, abs=0.2)
    assert latency.max == pytest.approx(100)
