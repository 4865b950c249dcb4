"""Requests to compare clusters by: lines of a file, and recorded examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import PredictionRequest, read_requests
from bluegrid_registry import ConfigError, Example, RecordedExample

if TYPE_CHECKING:
    from pathlib import Path


def test_recorded_examples_are_requests_for_what_they_record() -> None:
    rows = PredictionRequest.of("line-1", Example(inputs=((1.0, 2.0),), outputs=(0.5,)))
    assert (rows.instances, rows.inputs) == ([[1.0, 2.0]], None)
    x = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, None]}
    y = {"name": "probability", "shape": [1, 1], "datatype": "FP64", "data": [0.5]}
    document = {"request": {"inputs": [x]}, "response": {"outputs": [y]}}
    request = PredictionRequest.of("line-1", RecordedExample.model_validate(document))
    assert (request.instances, request.inputs, request.outputs) == (None, [x], [{"name": "probability"}])


def test_lines_may_have_tensors(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text('{"model": "line-1", "inputs": [], "outputs": [{"name": "y"}]}\n')
    (request,) = read_requests(file)
    assert (request.inputs, request.outputs) == ([], [{"name": "y"}])


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
        ('{"model": "line-1"}', "requests.jsonl:1: is not a request"),
        ('{"model": "line-1", "instances": [[1]], "inputs": []}', "requests.jsonl:1: is not a request"),
        ('{"model": "line-1", "instances": [[1]], "outputs": []}', "is not a request"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_requests(file)
