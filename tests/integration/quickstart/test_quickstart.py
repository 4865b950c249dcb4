"""The commands of the quickstart give the outputs on the page, in both languages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

DOCS = CHECKOUT / "docs"
PAGES = ("quickstart.md", "quickstart.zh.md")
LEFT_OUT = "…"
"""Marks text that the page omits from a line of output: digests, sizes."""


def _blocks(page: str, language: str) -> list[str]:
    """Return the page's fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def _run(page: str, folder: Path) -> str:
    """Run all shell blocks of a page in one shell, and return the output of all."""
    (script,) = _blocks(page, "python")
    (folder / "train.py").write_text(script)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["sh", "-eu"],
        input="".join(_blocks(page, "sh")),
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "200"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_print_what_the_page_shows(page: str, tmp_path: Path) -> None:
    printed = _run(page, tmp_path).splitlines()
    shown = "".join(_blocks(page, "text")).splitlines()
    assert len(shown) > 5
    for line in shown:
        pattern = re.escape(line).replace(re.escape(LEFT_OUT), ".*")
        assert any(re.fullmatch(pattern, each) for each in printed), f"not printed: {line}"


def test_both_languages_have_the_same_commands() -> None:
    english, chinese = (_blocks(page, "sh") + _blocks(page, "python") for page in PAGES)
    assert english == chinese
