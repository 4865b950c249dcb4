"""Debian packages: programs for containers, images and networks."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tools.toolchain.cost import Cost
from tools.toolchain.errors import ToolchainError
from tools.toolchain.progress import Activity, Progress, Step, quiet

_INSTALL = Path(__file__).with_name("install-packages")
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Package:
    """A Debian package.

    Attributes:
        provides: a program of the package. A machine that has the program from another package, such as
            Docker's containerd, does not get this package: apt would remove the other one.
        megabytes: installed size, with the dependencies of this package alone.
    """

    name: str
    provides: str
    megabytes: float


PACKAGES = (
    Package("buildah", "buildah", 25),
    Package("containerd", "containerd", 98),
    Package("containernetworking-plugins", "/usr/lib/cni/bridge", 45),
    Package("iproute2", "ip", 4),
    Package("mmdebstrap", "mmdebstrap", 50),
    Package("mount", "mount", 1),
    Package("nftables", "nft", 2),
    Package("openssl", "openssl", 3),
    Package("runc", "runc", 9),
    Package("util-linux", "unshare", 5),
)


def missing() -> list[Package]:
    """Return the packages that have to be installed."""
    return [each for each in PACKAGES if not _present(each)]


def cost() -> tuple[Cost, ...]:
    """Return the cost of the missing packages."""
    packages = missing()
    size = sum(each.megabytes for each in packages)
    names = ", ".join(each.name for each in packages)
    return (Cost(f"Debian packages: {names}", 10 + size / 5, size / 3, 0, size),) if packages else ()


def install(progress: Progress = quiet) -> None:
    """Install the missing packages; start none of their services, and remove no package.

    Raises:
        ToolchainError: not root, or apt-get failed.
    """
    names = [each.name for each in missing()]
    if not names:
        return
    if os.geteuid() != 0:
        raise ToolchainError(
            f"only root installs Debian packages: run `apt-get install {' '.join(names)}` as root"
        )
    step = Step(Activity.INSTALLING, f"{len(names)} Debian packages", 0, 0, cost()[0].seconds)
    progress(step)
    started = time.monotonic()
    # In a session of its own: the Ctrl-C that stops a demo must not interrupt dpkg.
    done = subprocess.run(
        ["sh", _INSTALL, *names],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg:"))]
        reason = reasons[-1] if reasons else "it gave no reason"
        raise ToolchainError(
            f"apt-get could not install {', '.join(names)}: {reason}; fix that, then run again"
        )
    progress(replace(step, elapsed=time.monotonic() - started, ended="done"))


def _present(package: Package) -> bool:
    """Return whether a package is fully installed, or its program exists without dpkg knowing the package."""
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package.name],
        capture_output=True,
        text=True,
        check=False,
    )
    state = done.stdout.strip() or "not-installed"
    if state in ("not-installed", "config-files"):
        folders = os.pathsep.join([*os.get_exec_path(), *_SYSTEM_FOLDERS])
        return shutil.which(package.provides, path=folders) is not None
    return state == "installed"
