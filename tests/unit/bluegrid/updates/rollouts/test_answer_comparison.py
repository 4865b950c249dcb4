"""Default limits of a rollout."""

from __future__ import annotations

from bluegrid.updates.rollouts.answer_comparison import plausible
from bluegrid_registry.formats.example import Example


def test_without_limits_of_its_own_a_rollout_takes_no_nonsense() -> None:
    asked = [("line-1", Example(inputs=((1.0,), (2.0,)), outputs=(40.0, -55.0)))]
    limits = plausible(asked)
    off = abs(-1_000_000.0 - 40.0)
    assert abs(61.0 - 40.0) < limits.atol + limits.rtol * 40 < off
