"""Lays down a new project: the files of `bluegrid/templates/project`, and a stack for each region.

`pulumi new` lays down the same files, and replaces the same two words in them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from bluegrid.project.settings import stack_schema
from bluegrid_registry import ConfigError
from bluegrid_registry.contract import SCHEMA_FILE
from bluegrid_registry.registry_files.json_schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.project.new_stack import NewStack

TEMPLATE = Path(__file__).parents[1] / "templates" / "project"
OBSERVABILITY = Path(__file__).parents[1] / "observability" / "files"
"""Rules, monitors and a dashboard, which a project may have a copy of."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""https://www.pulumi.com/docs/iac/concepts/projects/#project-names; not hidden, and not an option."""
_CI: Mapping[str, tuple[str, ...]] = {
    "github": (".github",),
    "gitlab": (".gitlab-ci.yml",),
    "none": (),
}
"""What of the template belongs to each continuous integration."""
_BUILT = ("__pycache__", "*.pyc", ".pytest_cache")


@dataclass(frozen=True)
class NewProject:
    """A project that is not made yet.

    Attributes:
        folder: where it is laid down; its last part is the project's name.
        stacks: one for each region.
        ci: whose workflows it has: github, gitlab or none.
        is_observed: whether it has Prometheus rules, monitors and a Grafana dashboard.

    Raises:
        ConfigError: the name is not valid, or a region is named twice.
    """

    folder: Path
    stacks: Sequence[NewStack]
    ci: str = "github"
    is_observed: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"{self.name!r} is not a project's name; use letters, digits, dashes, dots and underscores"
            )
        regions = [stack.region for stack in self.stacks]
        if twice := next((region for region in regions if regions.count(region) > 1), None):
            raise ConfigError(f"--region {twice} is named twice; name each region once")

    @property
    def name(self) -> str:
        """Its name, as in `Pulumi.yaml`."""
        return self.folder.name

    def write(self) -> list[Path]:
        """Lay it down, and make a git repository of it unless it is in one; return its files.

        Raises:
            ConfigError: the folder is not empty, or cannot be written.
        """
        try:
            if self.folder.exists() and any(self.folder.iterdir()):
                raise ConfigError(f"{self.folder} is not empty; name another folder")
            self._copy()
            for stack in self.stacks:
                stack.write(self.folder / "stacks")
        except OSError as error:
            raise ConfigError(
                f"{error.filename or self.folder}: cannot be written: {error.strerror}"
            ) from None
        files = sorted(path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        _make_repository(self.folder)
        return files

    def _copy(self) -> None:
        others = {name for ci, names in _CI.items() if ci != self.ci for name in names}
        ignored = shutil.ignore_patterns(*_BUILT, *others)
        shutil.copytree(TEMPLATE, self.folder, ignore=ignored, dirs_exist_ok=True)
        for path in self.folder.rglob("*"):
            if path.is_file():
                self._fill(path)
        (self.folder / "registry" / SCHEMA_FILE).write_text(json_schema(), encoding="utf-8")
        schema = json.dumps(stack_schema(), indent=2) + "\n"
        (self.folder / "stacks" / SCHEMA_FILE).write_text(schema, encoding="utf-8")
        _remove_template(self.folder / "Pulumi.yaml")
        if self.is_observed:
            shutil.copytree(OBSERVABILITY, self.folder / "observability")

    def _fill(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        filled = text.replace("${PROJECT}", self.name).replace("${DESCRIPTION}", _description())
        if filled != text:
            path.write_text(filled, encoding="utf-8")


def _description() -> str:
    return str(YAML(typ="safe").load(TEMPLATE / "Pulumi.yaml")["template"]["description"])


def _remove_template(file: Path) -> None:
    """Remove what only `pulumi new` reads, the last block of the file."""
    text, _, _ = file.read_text(encoding="utf-8").partition("\ntemplate:\n")
    file.write_text(text + "\n", encoding="utf-8")


def _make_repository(folder: Path) -> None:
    """Make a git repository, unless the folder is in one or git is not there."""
    if shutil.which("git") is None:
        return
    inside = ["git", "-C", str(folder), "rev-parse", "--git-dir"]
    if subprocess.run(inside, capture_output=True, check=False).returncode != 0:
        init = ["git", "-C", str(folder), "init", "--quiet", "--initial-branch=main"]
        subprocess.run(init, capture_output=True, check=False)
