"""buildah with a storage of its own, so that nothing is left in the system's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.image.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from tools.image.commands import Commands


_PATIENCE = 15
"""Seconds that an image registry has to answer."""


@dataclass(frozen=True)
class Buildah:
    """Builds images in a folder that is thrown away afterwards.

    Attributes:
        commands: runs buildah; TMPDIR in its environment is where layers are staged.
        storage: the folder.
    """

    commands: Commands
    storage: Path

    def build(self, containerfile: Path, context: Path, **arguments: str) -> str:
        """Build an image with the Containerfile's arguments; returns its ID."""
        on = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        # chroot: needs no container runtime, no network of its own and works inside containers.
        return self._run(
            "build", "--quiet", "--isolation", "chroot", *on, "--file", containerfile, context
        ).splitlines()[-1]

    def save(self, image: str, reference: str, archive: Path) -> None:
        """Write an image as an OCI archive that carries its reference."""
        partial = self.storage / "archive.tar"
        self._run("push", "--quiet", image, f"oci-archive:{partial}:{reference}")
        partial.rename(archive)

    def python_of(self, base: str) -> str:
        """The version of a base image's python3, such as 3.12."""
        container = self._run("from", "--quiet", base)
        said = self._run(
            "run", "--isolation", "chroot", container, "--",
            "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])",
        )  # fmt: skip
        self._run("rm", container)
        return said

    def reaches(self, reference: str) -> bool:
        """Whether an image registry answers for an image."""
        try:
            self._run("manifest", "inspect", reference, timeout=_PATIENCE)
        except ImageError:
            return False
        return True

    def _run(self, verb: str, *arguments: str | Path, timeout: float | None = None) -> str:
        # vfs copies where overlay mounts: slower by seconds, and works on every file system.
        storage = (
            "--root",
            self.storage / "root",
            "--runroot",
            self.storage / "run",
            "--storage-driver",
            "vfs",
        )
        return self.commands.run("buildah", *storage, verb, *arguments, timeout=timeout)
