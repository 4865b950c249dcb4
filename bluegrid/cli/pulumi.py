"""Runs Pulumi for commands: `pulumi up`, or a preview of it.

Pulumi reads the registry that the stack's settings name. A preview of an edit that is not written yet reads a
copy of the registry, named in a copy of the settings: the user's own files are not changed.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid.project import AT_ONCE, Project, exported_resources, partial_update, run_attached, up_command
from bluegrid.states import KubernetesObject
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid.project import Place, Target


@dataclass(frozen=True)
class StackCommands:
    """A stack, and the file of its settings if Pulumi does not find it by itself.

    Attributes:
        name: the stack's name.
        config_file: its settings; None: the file that Pulumi finds.
        variables: environment variables for the program.
    """

    name: str
    config_file: Path | None
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, place: Place) -> StackCommands:
        """Return the stack of a place; ConfigError as `named`."""
        return cls.named(place.required_stack, place.file)

    @classmethod
    def named(cls, name: str | None, config_file: Path | None) -> StackCommands:
        """Return the stack; ConfigError if none was named, or if Pulumi or a project is missing."""
        if name is None:
            raise ConfigError("there is no stack to update; name it: --stack <name>")
        if shutil.which("pulumi") is None:
            raise ConfigError("pulumi is not on PATH, so nothing is changed; see `bluegrid doctor`")
        # Without a project Pulumi would fail only after the registry was written.
        Project.find()
        return cls(name, config_file)

    def up(self, *options: str) -> int:
        """Run `pulumi up`; return the exit code."""
        files = [] if self.config_file is None else ["--config-file", str(self.config_file)]
        return run_attached(["pulumi", "up", *options, *files, "--stack", self.name], self.variables)

    def make_live(self, target: Target, *, at_once: bool = False) -> int:
        """Run `pulumi up` of only what makes a cluster live; return the exit code.

        Args:
            target: the resources to update.
            at_once: whether the route does not wait for pods of a cluster that takes over.
        """
        variables = partial_update(target.routes) | (AT_ONCE if at_once else {})
        command = up_command(target, Project.find().name, self.name, self.config_file)
        return run_attached(command, variables)

    def preview(self, registry: Path, target: Target | None = None) -> int:
        """Show what `pulumi up` would do if `registry` were the stack's; return the exit code."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml = YAML()
            settings = self._settings(yaml)
            settings["config"]["bluegrid:registry"] = str(registry)
            yaml.dump(settings, file)
            file.flush()
            options, variables = ["--stack", self.name], {**self.variables}
            if target is not None:
                options = target.options(Project.find().name, self.name)
                variables |= partial_update(target.routes)
            command = ["pulumi", "preview", "--diff", "--config-file", file.name, *options]
            return run_attached(command, variables)

    def objects(self) -> list[KubernetesObject]:
        """Return the Kubernetes objects in the stack's state; ConfigError if there is no such stack."""
        resources = exported_resources(self.name)
        if resources is None:
            raise ConfigError(f"there is no stack {self.name}: `pulumi stack ls` lists the stacks")
        return [
            KubernetesObject(type=each["type"], inputs=each.get("inputs", {}))
            for each in resources
            if each["type"].startswith("kubernetes:")
        ]

    def _settings(self, yaml: YAML) -> dict[str, dict[str, str]]:
        file = self.config_file or Project.find().stacks / f"Pulumi.{self.name}.yaml"
        try:
            settings: dict[str, dict[str, str]] = yaml.load(file)
            settings["config"]
        except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
            remedy = "is that its name? Otherwise name its file: --config-file <file>"
            raise ConfigError(f"{file}: the settings of stack {self.name} cannot be read; {remedy}") from None
        return settings
