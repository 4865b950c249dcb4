"""The same stack, as an earlier checkout's commands and program update it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError
from tools.demo.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class BuildBefore(Workspace):
    """A workspace's stack, with the commands and the Pulumi program of another checkout.

    Args:
        checkout: of the earlier commit, with its `.venv`.
        work: the workspace.
        programs: folder of the programs that both builds run, such as Pulumi.

    Raises:
        ConfigError: the checkout has no `.venv`.
    """

    def __init__(self, checkout: Path, work: Workspace, programs: Path) -> None:
        super().__init__(checkout, work.state, work.place, programs, work.echo, work.stack)
        if not (checkout / ".venv" / "bin" / "bluegrid").exists():
            raise ConfigError(f"{checkout} has no .venv; run there: tools/bootstrap python")

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that its commands run with."""
        ours = super().environment
        return {**ours, "PATH": f"{self.checkout / '.venv' / 'bin'}:{ours['PATH']}"}

    @property
    def commit(self) -> str:
        """The measured commit, abbreviated."""
        command = ("git", "-C", str(self.checkout), "rev-parse", "--short", "HEAD")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
