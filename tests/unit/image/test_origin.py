"""The revision that an image's labels name is the checkout's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.image import FAMILIES
from tools.image.base import Base
from tools.image.environment import of_programs
from tools.image.origin import labels

if TYPE_CHECKING:
    from pathlib import Path

REVISION = "org.opencontainers.image.revision"


@pytest.mark.process
def test_the_repository_that_the_shell_is_in_has_no_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        done = subprocess.run(
            ["git", *who, "-C", tmp_path, *arguments],
            env=of_programs(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1.0'\n")
    git("init")
    git("add", "--all")
    git("commit", "--message", "first")
    # As in a hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    family = next(iter(FAMILIES.values()))
    assert labels(tmp_path, family, Base("base"))[REVISION] == git("rev-parse", "HEAD")
