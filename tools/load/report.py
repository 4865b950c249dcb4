"""The report of a load: live figures (`finished` is false), then the result in the same form."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterable


class Failure(StrEnum):
    """Why a request counts as failed."""

    STATUS = "status"
    TIME_OUT = "time-out"
    CONNECTION = "connection"
    WRONG_VALUE = "wrong value"
    WRONG_VERSION = "wrong version header"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Latency(_Frozen):
    """Milliseconds between a request's due time and the end of its answer, over the good answers."""

    p50: float
    p99: float
    max: float


class Spell(_Frozen):
    """A period in which a cluster gave good answers at most a second apart; in seconds from the start.

    Two spells overlap because a switch reaches the proxy's connections one after another.
    """

    version: str
    cluster: str
    first: float
    last: float
    answers: int


class FailedRequest(_Frozen):
    """One failure, for finding its cause; `at` is when it was detected, in seconds from the start."""

    at: float
    reason: Failure
    uid: str
    detail: str


class LoadReport(_Frozen):
    """Counts and times of one load.

    Attributes:
        seconds: how long requests have been sent.
        sent: requests that were due; `ok`, `failed` and those in flight add up to it.
        failures: the first of the failed requests.
        longest_gap_ms: between two good answers in a row; before the first and after the last counts too.
        longest_gap_at: when that gap began, in seconds from the start.
        late_sends: requests that the generator itself sent too late. It still sends all requests; if many are
            late, this machine was too busy to judge the service.
        queued: requests that had to wait because every kept connection was busy.
        cpu_seconds: processor time that the generator used.
    """

    started: AwareDatetime
    seconds: float
    finished: bool
    target_rate: float
    rate: float
    sent: int
    ok: int
    failed: dict[Failure, int]
    failures: tuple[FailedRequest, ...]
    spells: tuple[Spell, ...]
    longest_gap_ms: float
    longest_gap_at: float
    latency_ms: Latency
    late_sends: int
    latest_send_ms: float
    queued: int
    cpu_seconds: float

    @property
    def failed_total(self) -> int:
        """Failed requests of every kind."""
        return sum(self.failed.values())

    @property
    def by_version(self) -> Counter[str]:
        """Good answers of each version."""
        return _added((spell.version, spell.answers) for spell in self.spells)

    @property
    def by_cluster(self) -> Counter[str]:
        """Good answers of each cluster."""
        return _added((spell.cluster, spell.answers) for spell in self.spells)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a report from a file."""
        return cls.model_validate_json(path.read_bytes())

    def write(self, path: Path) -> None:
        """Replace the file atomically: a reader gets the old report or the new one."""
        unfinished = path.with_name(f".{path.name}.new")
        unfinished.write_text(self.model_dump_json(indent=1))
        unfinished.replace(path)


def _added(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, count in counts:
        total[name] += count
    return total
