"""A trainer that is an image runs in a container, without capabilities and the server's environment."""

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
"""Where a trainer in a container finds the folder for its models."""


@contextmanager
def container(program: str, trainer: Trainer, folder: Path) -> Iterator[Sequence[str]]:
    """Yield the command that runs a trainer's image; at the end of the block, the container is removed.

    Args:
        program: `podman`, or one like it.
        trainer: with an image.
        folder: for its models. The container is named after the folder: one that a killed server has left is
            removed first.

    Raises:
        ConfigError: there is no such program.
    """
    if shutil.which(program) is None:
        raise ConfigError(f"{program} is not on PATH, and the trainer is an image; install it")
    name = f"bluegrid-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    gone = [program, "rm", "--force", "--volumes", name]
    subprocess.run(gone, capture_output=True, check=False)
    options = ["--rm", "--interactive", f"--name={name}", f"--volume={folder}:{MODELS_FOLDER}:z"]
    # A trainer needs no rights but to write its models, as the user that the image names.
    options += ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    folder.chmod(0o777)
    # The command replaces the image's entry point, as the `command` of a pod does.
    replaced, arguments = trainer.command[:1], trainer.command[1:]
    options += [f"--entrypoint={each}" for each in replaced]
    try:
        yield [program, "run", *options, str(trainer.image), *arguments]
    finally:
        # Ending `podman run` does not end the container.
        subprocess.run(gone, capture_output=True, check=False)
