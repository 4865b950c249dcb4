"""A base image of Debian packages: Python, the libraries that it is linked with, and no other program.

With Java it also has what Spark's own scripts need to start it: a shell and a few programs.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.image.trim import trim

if TYPE_CHECKING:
    from bluegrid.image.buildah import Buildah

CONTAINERFILE = Path(__file__).with_name("Containerfile")

_PACKAGES = "base-files,libc-bin,python3,libstdc++6"
"""base-files has the links /lib and /bin since Debian 13, libc-bin the locale C.UTF-8. NumPy needs
libstdc++6; its wheel has the rest."""
_JAVA_PACKAGES = f"{_PACKAGES},bash,coreutils,default-jre-headless,procps"

_PYTHONS = {"bookworm": (3, 11), "trixie": (3, 13)}
"""The Python of each release that a base is made of, oldest first."""

# Programs and data that are needed to install Debian's packages, not to run Python. Licences stay.
_NEVER_RUN = (
    "dev/*",
    "etc/apt",
    "etc/cron.daily",
    "etc/dpkg",
    "etc/hostname",  # this machine's, copied by mmdebstrap
    "etc/logrotate.d",
    "etc/resolv.conf",
    "bin/tar",
    "sbin/*",
    "usr/bin/[!p]*",
    "usr/bin/pldd",
    "usr/lib/*/gconv",
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/test",
    "usr/lib/valgrind",
    "usr/libexec/*",
    "usr/sbin/*",
    "usr/share/[!d]*",
    "usr/share/doc-base",
    "usr/share/dpkg",
    "var/cache/*",
    "var/lib/[!d]*",
    "var/lib/dpkg/[!s]*",  # the status file stays: scanners read the packages from it
    "var/log/*",
)


_JAVA_PROGRAMS = frozenset(
    {"bash", "basename", "cat", "dirname", "env", "java", "ps", "readlink", "sh", "uname"}
)
"""The programs in usr/bin that Spark's scripts run."""


_KEEP_STATUS = """\
for package in "$1"/var/cache/apt/archives/*.deb; do
    dpkg-deb --field "$package"
    printf 'Status: install ok installed\\n\\n'
done > "$1/var/lib/dpkg/status"
"""
"""Shell script for dpkg's status file, which dpkg does not write for packages that are only unpacked."""


def suite(python: tuple[int, int]) -> str:
    """Return the Debian release of the packages: if possible this machine's, which has keys and mirrors.

    Args:
        python: the oldest version that the release may have.
    """
    release = platform.freedesktop_os_release()
    own = release.get("VERSION_CODENAME")
    # A release of Debian that is not listed is a later one.
    if release["ID"] == "debian" and own is not None and _PYTHONS.get(own, python) >= python:
        return own
    return next(name for name, its in _PYTHONS.items() if its >= python)


def build(buildah: Buildah, work: Path, archive: Path, suite: str, *, has_java: bool = False) -> None:
    """Make the base of a Debian release as an OCI archive."""
    context = work / "debian"
    rootfs = context / "rootfs"
    context.mkdir()
    packages = _JAVA_PACKAGES if has_java else _PACKAGES
    buildah.commands.run(
        "mmdebstrap", "--quiet", "--variant=extract", f"--include={packages}",
        f"--extract-hook={_KEEP_STATUS}", suite, rootfs,
    )  # fmt: skip
    if has_java:
        # Packages are unpacked but not configured, so the scripts that make such links have not run.
        (rootfs / "usr/bin/java").symlink_to("/usr/lib/jvm/default-java/bin/java")
    trim(rootfs, _NEVER_RUN, keep=_JAVA_PROGRAMS if has_java else frozenset())
    trim(rootfs, ["usr/share/doc/*/*"], keep=frozenset({"copyright"}))
    image = buildah.build(CONTAINERFILE, context)
    buildah.save(image, f"localhost/bluegrid-debian:{suite}", archive)
