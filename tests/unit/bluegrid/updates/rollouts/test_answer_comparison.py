"""Default limits of a rollout."""

from __future__ import annotations

import math

from bluegrid.updates.rollouts.answer_comparison import plausible
from bluegrid_registry import Example, RecordedExample


def test_without_limits_of_its_own_a_rollout_takes_no_nonsense() -> None:
    asked = [("line-1", Example(inputs=((1.0,), (2.0,)), outputs=(40.0, -55.0)))]
    limits = plausible(asked)
    off = abs(-1_000_000.0 - 40.0)
    assert abs(61.0 - 40.0) < limits.atol + limits.rtol * 40 < off


def test_the_limits_are_of_all_recorded_numbers() -> None:
    outputs = [
        {"name": "y", "shape": [1, 2], "datatype": "FP64", "data": [-70.0, None]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["ok"]},
        {"name": "is_open", "shape": [1], "datatype": "BOOL", "data": [True]},
    ]
    inputs = [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1000.0]}]
    example = RecordedExample.model_validate(
        {"request": {"inputs": inputs}, "response": {"outputs": outputs}}
    )
    assert plausible([("line-1", example)]).atol == 70.0
    labels = RecordedExample.model_validate(
        {"request": {"inputs": inputs}, "response": {"outputs": outputs[1:]}}
    )
    assert math.isinf(plausible([("line-1", labels)]).atol)
