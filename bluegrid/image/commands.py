"""Runs the programs that build an image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping


Progress = Callable[[str], None]
"""Called with a line for each step."""


@dataclass(frozen=True)
class Commands:
    """Runs programs that write to one log and hold the build's lock.

    Attributes:
        log: the file for stderr.
        lock: a descriptor that the programs inherit.
        folder: the programs' working folder; files in the caller's folder could change their settings.
        environment: the programs' whole environment.
    """

    log: Path
    lock: int
    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str | Path, timeout: float | None = None) -> str:
        """Run a program; return its standard output.

        Raises:
            ImageError: the program is missing, took more than `timeout` seconds, or failed.
        """
        name = Path(command[0]).name
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as log:
            try:
                done = subprocess.run(
                    command,
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    check=False,
                    pass_fds=(self.lock,),
                    timeout=timeout,
                )
            except FileNotFoundError:
                raise ImageError(
                    f"{name} was not found, the image cannot be built: install it, as `make demo` does"
                ) from None
            except subprocess.TimeoutExpired:
                raise ImageError(f"{name} gave no answer within {timeout:.0f} s") from None
        if done.returncode == 0:
            return done.stdout.strip()
        output = (self.log.read_bytes()[start:].decode(errors="replace") + done.stdout).split("\n")
        last = next((line.strip() for line in reversed(output) if line.strip()), "no reason given")
        fault = f"{name} ended with {done.returncode}: {last}"
        raise ImageError(f"the image cannot be built: {fault}; fix that and run again; see {self.log}")
