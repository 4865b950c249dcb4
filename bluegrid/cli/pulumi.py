"""How commands have Pulumi do what they have written: `pulumi up`, or a preview of what it would do.

Pulumi reads the registry that the stack's settings name. A preview of what is not written yet reads a copy,
named by a copy of those settings: nothing of the user's is touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid.previews import KubernetesObject
from bluegrid.promotion import AT_ONCE, PARTIAL, up_command
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.promotion import Target

Up = Annotated[bool, typer.Option("--up", help="Also run `pulumi up`, which shows its preview and asks.")]
StackName = Annotated[
    str | None, typer.Option("--stack", envvar="BLUEGRID_STACK", help="The stack, with --up or --dry-run.")
]
ALLOW_DELETE = "BLUEGRID_ALLOW_DELETE"
"""Variable with the services whose end an update may be."""
ConfigFile = Annotated[str | None, typer.Option(help="Passed on to Pulumi, with --up or --dry-run.")]


@dataclass(frozen=True)
class Stack:
    """A stack, and the file of its settings where that is not Pulumi's own choice.

    Attributes:
        name: of the stack.
        config_file: its settings; None: where Pulumi looks.
        variables: what the program is to know of this update and preview.
    """

    name: str
    config_file: str | None
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str | None, config_file: str | None) -> Stack:
        """Return the stack; ConfigError when none was named, or nothing could be done with it."""
        if name is None:
            raise ConfigError("there is no stack to update; name it: --stack <name>")
        if shutil.which("pulumi") is None:
            raise ConfigError("pulumi is not on PATH, so nothing is changed; see `bluegrid doctor`")
        return cls(name, config_file)

    def up(self, *options: str) -> int:
        """Run `pulumi up`; returns the exit code."""
        files = [] if self.config_file is None else ["--config-file", self.config_file]
        return _run(["pulumi", "up", *options, *files, "--stack", self.name], self.variables)

    def make_live(self, target: Target, *, at_once: bool = False) -> int:
        """Run `pulumi up` of what makes a cluster live, and of nothing else; returns the exit code.

        Args:
            target: what is touched.
            at_once: whether the route waits for no pods of a cluster that takes over.
        """
        variables = {**PARTIAL, **(AT_ONCE if at_once else {})}
        return _run(up_command(target, self.name, self.config_file), variables)

    def preview(self, registry: Path, target: Target | None = None) -> int:
        """Show what `pulumi up` would do if `registry` were the stack's; returns the exit code."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml = YAML()
            settings = self._settings(yaml)
            settings["config"]["bluegrid:registry"] = str(registry)
            yaml.dump(settings, file)
            file.flush()
            options = target.options(self.name) if target else ["--stack", self.name]
            command = ["pulumi", "preview", "--diff", "--config-file", file.name, *options]
            return _run(command, self.variables)

    def objects(self) -> list[KubernetesObject]:
        """Return what Pulumi has made, as its state tells; ConfigError when it does not."""
        command = ("pulumi", "stack", "export", "--stack", self.name)
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            resources = json.loads(done.stdout)["deployment"].get("resources", [])
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ConfigError(f"the state of stack {self.name} cannot be read: {last}") from None
        return [
            KubernetesObject(type=each["type"], inputs=each.get("inputs", {}))
            for each in resources
            if each["type"].startswith("kubernetes:")
        ]

    def _settings(self, yaml: YAML) -> dict[str, dict[str, str]]:
        file = Path(self.config_file or f"stacks/Pulumi.{self.name}.yaml")
        try:
            settings: dict[str, dict[str, str]] = yaml.load(file)
            settings["config"]
        except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
            remedy = "run this in the project's folder, or name it: --config-file <file>"
            raise ConfigError(f"{file}: the settings of stack {self.name} cannot be read; {remedy}") from None
        return settings


def _run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> int:
    with subprocess.Popen(command, env={**os.environ, **(variables or {})}) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal has told Pulumi too, which ends in good order; killed, it would leave a lock.
                continue
