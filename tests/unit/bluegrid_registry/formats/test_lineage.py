"""A lineage is small, its texts are lines, its numbers finite; mistakes name the place and the remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from bluegrid_registry import FormatError, Lineage

FULL = {
    "author": "ada",
    "commit": "9f2c0aa",
    "data": "SCADA 2026-10",
    "metrics": {"mae": 0.0312, "r2": 0.97},
    "requirements": ["scikit-learn==1.9.0"],
    "run": "4f7c1d",
    "tags": {"季节": "冬"},
}


def test_a_lineage_comes_back_as_it_was_with_sorted_keys() -> None:
    found = Lineage.from_json(json.dumps(FULL), "lineage.json: line-17")
    assert json.loads(found.to_json()) == found.to_dict() == FULL
    assert list(found.to_dict()) == sorted(FULL)
    assert Lineage.from_json(found.to_json(), "again") == found


def test_metrics_are_stored_with_six_digits_in_the_order_of_their_names() -> None:
    stored = Lineage(metrics={"rmse": 1234567.89, "mae": 0.1 + 0.2, "count": 3}).to_store("line-17")
    assert stored is not None
    assert stored.to_json() == b'{"metrics":{"count":3.0,"mae":0.3,"rmse":1234570.0}}'
    assert stored.to_store("line-17") == stored


def test_a_lineage_that_says_nothing_is_not_stored() -> None:
    assert Lineage(metrics={}, tags={}, requirements=()).to_store("line-17") is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"metrics": {"mae": float("nan")}}, ".metrics.mae: Input should be a finite number; leave the metr"),
        ({"metrics": {"mae": float("inf")}}, ".metrics.mae: Input should be a finite number; leave the metr"),
        ({"metrics": {"mae": "0.5"}}, ".metrics.mae: Input should be a valid number; correct it"),
        ({"metrics": {"good": True}}, ".metrics.good: Input should be a valid number; correct it"),
        ({"metrics": {str(number): 1 for number in range(17)}}, ".metrics: .* at most 16 items .*; keep the"),
        ({"author": "a" * 201}, ".author: .* at most 200 characters; shorten it"),
        ({"author": "ada\nbob"}, ".author: .*; write it on one line"),
        ({"author": ""}, ".author: .* at least 1 character"),
        ({"trained_by": "ada"}, ".trained_by: Unexpected keyword argument; known: author, commit, data, met"),
        ({"requirements": ["a"] * 33}, ".requirements: .* at most 32 items"),
        ([], ": Input should be a dictionary"),
    ],
)
def test_a_mistake_is_one_line_with_place_and_remedy(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^lineage.json: line-17{message}") as caught:
        Lineage.from_json(json.dumps(document), "lineage.json: line-17")
    assert "\n" not in str(caught.value)


def test_python_refuses_what_a_file_may_not_have() -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Lineage(metrics={"mae": float("nan")})


def test_a_lineage_that_is_too_large_as_a_whole_is_refused() -> None:
    large = Lineage(tags={f"tag-{number}": "x" * 200 for number in range(16)})
    with pytest.raises(
        FormatError, match=r"^model line-17: \d{4} bytes of lineage; a model has at most 2048;"
    ):
        large.to_store("line-17")
