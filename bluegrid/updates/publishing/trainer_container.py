"""Runs a trainer's image in a container, without capabilities and without the server's environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bluegrid_registry.registry_files.update_policy import Trainer

MODELS_FOLDER = "/models"
"""Path, inside the container, of the folder for a trainer's models."""


@contextmanager
def container(program: str, trainer: Trainer, folder: Path) -> Iterator[Sequence[str]]:
    """Yield the command that runs a trainer's image; at the end of the block, the container is removed.

    Args:
        program: `podman`, or a compatible program.
        trainer: a trainer with an image.
        folder: for its models. The container's name depends on the folder, so that the container of a killed
            server is removed first.

    Raises:
        ConfigError: there is no such program.
    """
    if shutil.which(program) is None:
        raise ConfigError(f"{program} is not on PATH, and the trainer is an image; install it")
    name = f"bluegrid-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    remove = [program, "rm", "--force", "--volumes", name]
    subprocess.run(remove, capture_output=True, check=False)
    options = ["--rm", "--interactive", f"--name={name}", f"--volume={folder}:{MODELS_FOLDER}:z"]
    # A trainer only needs the right to write its models, as the image's user.
    options += ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    folder.chmod(0o777)
    # The command replaces the image's entry point, as the `command` of a pod does.
    replaced, arguments = trainer.command[:1], trainer.command[1:]
    options += [f"--entrypoint={entry_point}" for entry_point in replaced]
    try:
        yield [program, "run", *options, str(trainer.image), *arguments]
    finally:
        # Ending `podman run` does not end the container.
        subprocess.run(remove, capture_output=True, check=False)
