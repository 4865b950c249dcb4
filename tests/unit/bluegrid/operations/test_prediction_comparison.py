"""The comparison of two clusters: when answers agree, and which files of requests are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.operations import Prediction
from bluegrid.operations.prediction_comparison import difference


def answer(predictions: Any, error: str | None = None) -> Prediction:
    return Prediction("d1", "v1", "pod", 0.01, predictions, error)


@pytest.mark.parametrize(
    ("first", "second", "by", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0, True),
        ([1000.0], [1000.9], pytest.approx(0.9), True),
        ([1000.0], [1001.2], pytest.approx(1.2), False),
        ([0.0], [0.05], pytest.approx(0.05), True),
        ({"label": ["a"], "score": [0.5]}, {"label": ["a"], "score": [0.5]}, 0.0, True),
        ({"label": ["a"], "score": [0.5]}, {"label": ["b"], "score": [0.5]}, 0.0, False),
        ([1.0], [1.0, 2.0], None, False),
        ([True], [False], None, False),
        ([float("nan")], [float("nan")], None, True),
        ([float("nan")], [1.0], None, False),
    ],
)
def test_answers_agree_within_the_tolerance(first: Any, second: Any, by: object, agrees: bool) -> None:
    found, agreed = difference("line-1", answer(first), answer(second), rtol=1e-3, atol=0.1)
    assert (found.by, agreed) == (by, agrees)


def test_a_cluster_that_fails_does_not_agree() -> None:
    found, agreed = difference(
        "line-1", answer([1.0]), answer(None, "no model 'line-1'"), rtol=1e-3, atol=0.1
    )
    assert not agreed
    broken = answer(None, "broken")
    assert not difference("line-1", broken, broken, rtol=1e-3, atol=0.1)[1]
    assert "no model 'line-1'" in found.text


def test_labels_and_numbers_are_told_apart_by_output() -> None:
    first = {"y": [1.0, 2.0], "label": ["a", "b", "c"]}
    second = {"y": [1.5, None], "label": ["a", "x", "y"]}
    found, agrees = difference("line-1", answer(first), answer(second), rtol=0, atol=1, labels=0.75)
    changes = {name: (each.moved, each.differing) for name, each in found.outputs.items()}
    assert changes == {"y": (0.5, 1), "label": (None, 2)}
    assert (found.by, agrees) == (0.5, True)
    assert not difference("line-1", answer(first), answer(second), rtol=0, atol=1, labels=0.7)[1]
    assert not difference("line-1", answer(first), answer(second), rtol=0, atol=0.1, labels=1.0)[1]


def test_the_simple_form_has_one_output_without_a_name() -> None:
    found, _ = difference("line-1", answer([1.0, 2.0]), answer([1.0, 3.0]), rtol=0, atol=0)
    assert {name: (each.moved, each.differing) for name, each in found.outputs.items()} == {
        "predictions": (1.0, 0)
    }
