"""Counts the events of a running load. Times are seconds from its start."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tools.load.report import FailedRequest, Failure, Latency, LoadReport, Spell

if TYPE_CHECKING:
    from collections.abc import Callable

LATE_SECONDS = 0.010
"""Seconds after which a send is late, or a wait for a connection is counted; sleeps are exact to 2 ms."""

SPELL_PAUSE_SECONDS = 1.0
FAILURES_KEPT = 20
LATENCY_STEP_MS = 0.1


@dataclass
class _OpenSpell:
    first: float
    last: float
    answers: int


class Tally:
    """Counts the events of a load; `report` returns the state at any time."""

    def __init__(self, target_rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._started = datetime.now(UTC)
        self._clock = clock
        self._zero = clock()
        self._target_rate = target_rate
        self._sent = self._ok = self._late = self._queued = 0
        self._latest_send = 0.0
        self._failed: Counter[Failure] = Counter()
        self._failures: list[FailedRequest] = []
        self._spells: dict[tuple[str, str], list[_OpenSpell]] = {}
        self._latencies: Counter[int] = Counter()
        self._longest_latency = 0.0
        self._last_good = self._longest_gap = self._longest_gap_at = 0.0

    def now(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._zero

    def sent(self, late: float) -> None:
        """Count a request that was due `late` seconds ago and is now given to a connection."""
        self._sent += 1
        self._latest_send = max(self._latest_send, late)
        self._late += late > LATE_SECONDS

    def began(self, waited: float) -> None:
        """Count a request that waited `waited` seconds for its connection."""
        self._queued += waited > LATE_SECONDS

    def good(self, version: str, cluster: str, latency: float) -> None:
        """Count a correct answer, `latency` seconds after the request was due."""
        now = self.now()
        self._ok += 1
        self._latencies[int(latency * 1000 / LATENCY_STEP_MS)] += 1
        self._longest_latency = max(self._longest_latency, latency)
        self._longest_gap, self._longest_gap_at = self._gap_until(now)
        self._last_good = now
        spells = self._spells.setdefault((version, cluster), [])
        if not spells or now - spells[-1].last > SPELL_PAUSE_SECONDS:
            spells.append(_OpenSpell(now, now, 0))
        spells[-1].last = now
        spells[-1].answers += 1

    def failed(self, reason: Failure, uid: str, detail: str) -> None:
        """Count a failed request."""
        self._failed[reason] += 1
        if len(self._failures) < FAILURES_KEPT:
            self._failures.append(FailedRequest(at=self.now(), reason=reason, uid=uid, detail=detail[:200]))

    def report(self, seconds: float, *, finished: bool) -> LoadReport:
        """Return the figures after `seconds` of sending."""
        gap, gap_at = self._gap_until(seconds)
        return LoadReport(
            started=self._started,
            seconds=seconds,
            finished=finished,
            target_rate=self._target_rate,
            rate=self._sent / seconds if seconds else 0.0,
            sent=self._sent,
            ok=self._ok,
            failed=dict(self._failed),
            failures=tuple(self._failures),
            spells=self._closed_spells(),
            longest_gap_ms=gap * 1000,
            longest_gap_at=gap_at,
            latency_ms=Latency(
                p50=self._percentile(0.5), p99=self._percentile(0.99), max=self._longest_latency * 1000
            ),
            late_sends=self._late,
            latest_send_ms=self._latest_send * 1000,
            queued=self._queued,
            cpu_seconds=time.process_time(),
        )

    def _gap_until(self, now: float) -> tuple[float, float]:
        return max((self._longest_gap, self._longest_gap_at), (now - self._last_good, self._last_good))

    def _closed_spells(self) -> tuple[Spell, ...]:
        spells = [
            Spell(version=version, cluster=cluster, first=spell.first, last=spell.last, answers=spell.answers)
            for (version, cluster), spells in self._spells.items()
            for spell in spells
        ]
        return tuple(sorted(spells, key=lambda spell: spell.first))

    def _percentile(self, part: float) -> float:
        """Return a percentile, to a step of the histogram; 0 before the first good answer."""
        left = part * self._ok
        for step, count in sorted(self._latencies.items()):
            left -= count
            if left <= 0:
                return (step + 1) * LATENCY_STEP_MS
        return 0.0
