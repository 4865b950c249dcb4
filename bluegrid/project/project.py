"""A project: the folder with `Pulumi.yaml`, found upwards from any folder in it, as by pulumi and git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid_registry import ConfigError

_FILES = ("Pulumi.yaml", "Pulumi.yml")
_STACKS = "stacks"
"""Default folder of the stacks' files."""


@dataclass(frozen=True)
class Project:
    """A Pulumi project that declares model services.

    Attributes:
        file: its `Pulumi.yaml`.
        name: of the project; part of the URN of every resource of its stacks.
        stacks: the folder of the stacks' files, `stackConfigDir`.
    """

    file: Path
    name: str
    stacks: Path

    @property
    def folder(self) -> Path:
        """The folder of `Pulumi.yaml`."""
        return self.file.parent

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project that a folder is in.

        Args:
            start: the folder; None: the working directory.

        Raises:
            ConfigError: the folder is in no project, or the project's file cannot be read.
        """
        project = cls.around(start)
        if project is None:
            where = (start or Path()).resolve()
            raise ConfigError(
                f"{where} is in no project: no folder above it has a Pulumi.yaml; change to one"
            )
        return project

    @classmethod
    def around(cls, start: Path | None = None) -> Project | None:
        """Return the project that a folder is in; None if it is in no project.

        Raises:
            ConfigError: the project's file cannot be read.
        """
        where = (start or Path()).resolve()
        files = (folder / name for folder in (where, *where.parents) for name in _FILES)
        file = next((each for each in files if each.is_file()), None)
        return None if file is None else cls._read(file)

    @classmethod
    def _read(cls, file: Path) -> Project:
        try:
            document = YAML(typ="safe").load(file)
            name, stacks = document["name"], document.get("stackConfigDir") or _STACKS
        except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError, AttributeError):
            name = stacks = None
        if not isinstance(name, str) or not isinstance(stacks, str):
            raise ConfigError(f"{file}: has no `name:` that can be read; see `pulumi preview`")
        return cls(file, name, file.parent / stacks)
