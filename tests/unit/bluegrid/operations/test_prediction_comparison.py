"""The comparison of two clusters: when answers agree, and which files of requests are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.operations import Prediction, read_requests
from bluegrid.operations.prediction_comparison import difference
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


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


def test_requests_are_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text('{"model": "line-1", "instances": [[1, 2]]}\n\n{"model": "line-2", "instances": [[3]]}\n')
    assert [each.model for each in read_requests(file)] == ["line-1", "line-2"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no requests"),
        ('{"model": "line-1", "instances": [[1]]}\n{"model": 7}\n', "requests.jsonl:2: is not a request"),
        ("[", "requests.jsonl:1: is not a request"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_requests(file)
