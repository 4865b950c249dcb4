"""The files and folders of a node.

    <state>/
        plan.json             the decisions of `up`: addresses, programs
        status.json           the state, written by the supervisor
        secrets.json          tokens and S3 accounts, made once
        kubeconfig            for people and programs on the machine
        pki/  config/         certificates; configuration, rewritten at every start
        etcd/  containerd/  kubelet/  s3/  iam/
        logs/                 one file a component, and the pods' logs

Inside the node the same folder is at `INSIDE`: the same for all nodes, and short enough for every socket
(Unix allows 107 characters).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

INSIDE = Path("/run/bluegrid")
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")


@dataclass(frozen=True)
class Layout:
    """The paths below a node's state folder, as the machine or as the node sees it."""

    root: Path

    @property
    def plan(self) -> Path:
        """The decisions of `up`."""
        return self.root / "plan.json"

    @property
    def status(self) -> Path:
        """The state that the supervisor publishes."""
        return self.root / "status.json"

    @property
    def secrets(self) -> Path:
        """Tokens and accounts."""
        return self.root / "secrets.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for use on the machine."""
        return self.root / "kubeconfig"

    @property
    def logs(self) -> Path:
        """The components' and the pods' logs."""
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """The components' configuration."""
        return self.root / "config"

    @property
    def cni(self) -> Path:
        """The pods' network configuration."""
        return self.config / "cni"

    @property
    def service_account_key(self) -> Path:
        """The key that signs the pods' tokens."""
        return self.pki / "service-account.key"

    def certificate(self, address: str) -> Path:
        """The API server's certificate at an address; self-signed, so clients trust the same file."""
        return self.pki / f"api-{address}.crt"

    def key(self, address: str) -> Path:
        """The key of that certificate."""
        return self.pki / f"api-{address}.key"

    def kubeconfig_of(self, user: str) -> Path:
        """A component's kubeconfig."""
        return self.config / f"{user}.kubeconfig"

    def data(self, component: str) -> Path:
        """The data that a component keeps from one start to the next."""
        return self.root / component

    def log(self, component: str) -> Path:
        """A component's log."""
        return self.logs / f"{component}.log"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.pki, self.config):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for folder in (self.cni, self.logs, self.data("s3"), self.data("iam")):
            folder.mkdir(exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
