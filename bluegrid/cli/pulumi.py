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

from bluegrid.project import (
    AT_ONCE,
    PLATFORMS,
    Project,
    Target,
    Urns,
    WholeServices,
    exported_resources,
    run_attached,
    up_command,
)
from bluegrid.states import KubernetesObject
from bluegrid_registry import ConfigError
from bluegrid_registry.registry_files.some_services import load_services

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid.project import PartialUpdate, Place


@dataclass(frozen=True)
class StackCommands:
    """A stack, and the file of its settings if Pulumi does not find it by itself.

    Attributes:
        place: the stack, and where it runs.
        file: its settings.
        project: that the stack is of.
        variables: environment variables for the program.
    """

    place: Place
    file: Path
    project: Project
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.place.required_stack

    @classmethod
    def of(cls, place: Place, variables: Mapping[str, str] | None = None) -> StackCommands:
        """Return the stack of a place.

        Raises:
            ConfigError: no stack is named, or Pulumi or the project is missing.
        """
        name = place.required_stack
        if shutil.which("pulumi") is None:
            raise ConfigError("pulumi is not on PATH, so nothing is changed; see `bluegrid doctor`")
        # Without a project Pulumi would fail only after the registry was written.
        project = Project.find()
        return cls(place, place.file or project.stacks / f"Pulumi.{name}.yaml", project, variables or {})

    def up(
        self, registry: Path, changed: Target | WholeServices, *, is_previewed: bool, at_once: bool = False
    ) -> int:
        """Run `pulumi up`, which asks nothing; return the exit code.

        Args:
            registry: the folder of registry files.
            changed: what to update.
            is_previewed: whether the user has seen and accepted the preview.
            at_once: whether the route does not wait for pods of a cluster that takes over.
        """
        update = self._update(registry, changed)
        if update is None:
            options = ["--yes", *(["--skip-preview"] if is_previewed else []), *self._config_file]
            return run_attached(["pulumi", "up", *options, "--stack", self.name], self.variables)
        variables = {**self.variables, **update.variables, **(AT_ONCE if at_once else {})}
        if not isinstance(changed, Target):
            return self._run(update, variables, refresh=True)
        # Imported here, because edits without an update do not need the libraries of Kubernetes.
        from bluegrid.cli.drift_of_targets import have_drifted, is_live

        refresh = have_drifted(update, self.place, self.project)
        code = self._run(update, variables, refresh=refresh)
        # Another update may have ended after the state was read, interrupted in its gate.
        if code == 0 and not refresh and not is_live(changed, self.place):
            code = self._run(update, variables, refresh=True)
        return code

    def preview(self, registry: Path, changed: Target | WholeServices) -> int:
        """Show what `up` would do if `registry` were the stack's; return the exit code."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml = YAML()
            settings = self._settings(yaml)
            settings["config"]["bluegrid:registry"] = str(registry)
            yaml.dump(settings, file)
            file.flush()
            update = self._update(registry, changed)
            # Read again as in the update that follows: the state may lack the last change of the route.
            options = ["--stack", self.name, *(update.refreshed if update else [])]
            variables = {**self.variables, **(update.variables if update else {})}
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

    def _run(self, update: PartialUpdate, variables: Mapping[str, str], *, refresh: bool) -> int:
        file = self.file if self._config_file else None
        return run_attached(up_command(update, self.name, file, refresh=refresh), variables)

    def _update(self, registry: Path, changed: Target | WholeServices) -> PartialUpdate | None:
        """Return the update of what has changed; None: of the whole stack, such as its first one."""
        urns = Urns(self.project.name, self.name, self.place.with_gateway)
        if not isinstance(changed, WholeServices):
            return changed.update(urns)
        if not changed.names:
            return None
        resources = exported_resources(self.name) or []
        if not any(each["type"] in PLATFORMS for each in resources):
            return None
        offered = self.place.offered(load_services(registry, changed.names))
        update = changed.update(urns, offered, resources)
        if not update.urns:
            names = ", ".join(changed.names)
            raise ConfigError(
                f"stack {self.name} has no service {names}, and the registry declares none for it: there is "
                "nothing to update; see `bluegrid service list`"
            )
        return update

    @property
    def _config_file(self) -> list[str]:
        """The option that names the settings, if Pulumi does not find them by itself."""
        own = self.project.stacks / f"Pulumi.{self.name}.yaml"
        return [] if self.file.resolve() == own.resolve() else ["--config-file", str(self.file)]

    def _settings(self, yaml: YAML) -> dict[str, dict[str, str]]:
        try:
            settings: dict[str, dict[str, str]] = yaml.load(self.file)
            settings["config"]
        except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
            raise ConfigError(f"{self.file}: the settings of stack {self.name} cannot be read") from None
        return settings
