"""The files of requests that a load accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.load import LoadError
from tools.load.requests import read_requests

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        '{"inputs": {}, "answers": {}}',
        '{"inputs": {"a": [[1]]}, "answers": {"v1": {"a": []}}}',
    ],
)
def test_a_file_that_holds_no_requests_is_refused_on_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "requests.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoadError, match=r"^[^\n]*requests.json: [^\n]+$"):
        read_requests(path, "http://127.0.0.1", "s")
