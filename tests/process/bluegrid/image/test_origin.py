"""An image's labels name the revision of the checkout."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bluegrid.image import FAMILIES
from bluegrid.image.base import Base
from bluegrid.image.environment import of_programs
from bluegrid.image.origin import labels

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

REVISION = "org.opencontainers.image.revision"


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

    (tmp_path / "pyproject.toml").touch()
    git("init")
    git("add", "--all")
    git("commit", "--message", "first")
    # As in a git hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    family = next(iter(FAMILIES.values()))
    assert labels(tmp_path, family, Base("base"))[REVISION] == git("rev-parse", "HEAD")
