"""Runs buildah with a separate storage, so that nothing is left in the system's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid.image.commands import Commands


_REGISTRY_TIMEOUT = 15
"""How long an image registry may take to answer, in seconds."""


_DEBIAN = """\
import pathlib, platform
about = platform.freedesktop_os_release()
print(about["ID"] + "-" + about.get("VERSION_ID", ""))
dpkg = pathlib.Path("/var/lib/dpkg")
for file in (dpkg / "status", *sorted(dpkg.glob("status.d/*"))):
    if file.is_file() and file.suffix != ".md5sums":
        print(file.read_text())
"""


@dataclass(frozen=True)
class Buildah:
    """Builds images in a folder that is deleted afterwards.

    Attributes:
        commands: runs buildah, which stages layers in TMPDIR of its environment.
        storage: the folder.
    """

    commands: Commands
    storage: Path

    def build(
        self, containerfile: Path, context: Path, labels: Mapping[str, str] | None = None, **arguments: str
    ) -> str:
        """Build an image with labels and arguments of the Containerfile; return its ID."""
        options = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        options += [word for name, value in (labels or {}).items() for word in ("--label", f"{name}={value}")]
        # chroot needs no container runtime and no separate network, and works inside containers.
        return self._run(
            "build", "--quiet", "--isolation", "chroot", *options, "--file", containerfile, context
        ).splitlines()[-1]

    def save(self, image: str, reference: str, archive: Path) -> None:
        """Write an image as an OCI archive that carries its reference."""
        partial = self.storage / "archive.tar"
        self._run("push", "--quiet", image, f"oci-archive:{partial}:{reference}")
        partial.rename(archive)

    def python_of(self, base: str) -> str:
        """Return the version of a base image's python3, such as 3.12."""
        return self._python(base, "import sys; print('%d.%d' % sys.version_info[:2])")

    def debian_of(self, base: str) -> tuple[str, str]:
        """Return the name of a base's system, such as debian-12, and its packages as dpkg lists them."""
        name, _, status = self._python(base, _DEBIAN).partition("\n")
        return name, status

    def _python(self, base: str, program: str) -> str:
        container = self._run("from", "--quiet", base)
        output = self._run("run", "--isolation", "chroot", container, "--", "python3", "-c", program)
        self._run("rm", container)
        return output

    def reaches(self, reference: str) -> bool:
        """Return whether an image registry answers for an image."""
        try:
            self._run("manifest", "inspect", reference, timeout=_REGISTRY_TIMEOUT)
        except ImageError:
            return False
        return True

    def _run(self, verb: str, *arguments: str | Path, timeout: float | None = None) -> str:
        # vfs copies files instead of mounting overlays: seconds slower, but works on every file system.
        storage = (
            "--root",
            self.storage / "root",
            "--runroot",
            self.storage / "run",
            "--storage-driver",
            "vfs",
        )
        return self.commands.run("buildah", *storage, verb, *arguments, timeout=timeout)
