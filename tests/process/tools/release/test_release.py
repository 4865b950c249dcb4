"""The steps of a release that need no network: the tag, the changelog, and the matrix of images."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = """\
# Changelog

## Unreleased

### Added
- Not yet.

## 1.2.0 - 2026-11-29

### Added
- This.

## 1.2.0rc1 - 2026-11-28
- Not this.
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(CHECKOUT / "tools" / "release", tmp_path / "tools" / "release")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "bluegrid"\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def run(checkout: Path, step: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "tools" / "release" / step), *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def test_the_tag_of_the_version_is_taken(checkout: Path) -> None:
    done = run(checkout, "version", "v1.2.0")
    assert (done.returncode, done.stdout) == (0, "version=1.2.0\n")


@pytest.mark.parametrize("tag", ["v1.2.1", "1.2.0", "v1.2.0rc1"])
def test_another_tag_is_refused(checkout: Path, tag: str) -> None:
    done = run(checkout, "version", tag)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"tools/release/version: the tag is {tag} and the packages are 1.2.0; ")


def test_a_version_without_a_section_in_the_changelog_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n- This.\n")
    done = run(checkout, "version", "v1.2.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "CHANGELOG.md has no section 1.2.0" in done.stderr


def test_the_notes_are_the_section_of_the_version(checkout: Path) -> None:
    assert run(checkout, "notes", "1.2.0").stdout.strip() == "### Added\n- This."
