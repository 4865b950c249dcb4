"""Fixtures for all tests of the load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = {"line-0": [[1.0, 2.0], [3.0, 4.0]], "line/1 ü": [[5.0, 6.0]]}


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    answers = {
        "v1": {uid: [sum(row) for row in rows] for uid, rows in INPUTS.items()},
        "v2": {uid: [sum(row) * 1.001 for row in rows] for uid, rows in INPUTS.items()},
    }
    path = tmp_path / "requests.json"
    path.write_text(json.dumps({"inputs": INPUTS, "answers": answers}))
    return path
