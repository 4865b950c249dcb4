"""Certificates, tokens, kubeconfigs and S3 accounts, all made on this machine."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tools.node.errors import NodeError
from tools.node.layout import Layout, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.node.plan import Plan

NODE_NAME = "bluegrid"
SERVICE_ADDRESS = "10.96.0.1"
ADMIN = "admin"
_CURVE = "prime256v1"
_TEN_YEARS = "3650"

# User and groups, as Kubernetes' own roles expect them. Contour runs outside the cluster, as administrator.
_USERS = {
    ADMIN: ("bluegrid:admin", "system:masters"),
    "contour": ("bluegrid:contour", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
}


@dataclass(frozen=True)
class S3Account:
    """An account of the S3 server."""

    access_key: str
    secret_key: str

    @classmethod
    def make(cls, access_key: str) -> S3Account:
        """Return a new account with a random secret."""
        return cls(access_key, secrets.token_hex(20))


@dataclass(frozen=True)
class Secrets:
    """Tokens and accounts of a node's parts; kept from one start to the next.

    Attributes:
        tokens: the tokens of the API server's users.
        s3_admin: can do everything.
        s3_reader: can get objects and nothing else.
    """

    tokens: Mapping[str, str]
    s3_admin: S3Account
    s3_reader: S3Account

    @classmethod
    def read(cls, layout: Layout) -> Secrets:
        """Return the secrets of a node that was started before.

        Raises:
            NodeError: the node was never started.
        """
        try:
            document = json.loads(layout.secrets.read_text())
        except FileNotFoundError:
            raise NodeError(
                f"there is no node in {layout.root}; `python -m tools.node up` makes it"
            ) from None
        return cls(document["tokens"], S3Account(**document["s3_admin"]), S3Account(**document["s3_reader"]))

    @classmethod
    def ensure(cls, layout: Layout) -> Secrets:
        """Return the node's secrets; generate them if they do not exist."""
        if not layout.secrets.exists():
            tokens = {user: secrets.token_hex(20) for user in _USERS}
            made = cls(tokens, S3Account.make("bluegrid-admin"), S3Account.make("bluegrid-reader"))
            write_private(layout.secrets, json.dumps(asdict(made), indent=2) + "\n")
        return cls.read(layout)


def write_access(layout: Layout, plan: Plan) -> None:
    """Write the kubeconfigs and certificates for the API server, for a node's components and for people."""
    known = Secrets.ensure(layout)
    _certify(layout, plan)
    rows = [f'{known.tokens[name]},{user},{name},"{groups}"' for name, (user, groups) in _USERS.items()]
    write_private(layout.config / "tokens.csv", "\n".join(rows) + "\n")
    for user, token in known.tokens.items():
        config = _kubeconfig(layout, plan, user, token) | {"current-context": user}
        write_private(layout.kubeconfig_of(user), json.dumps(config))
    # Without a current context, no command uses this node by accident instead of another cluster.
    config = _kubeconfig(layout, plan, plan.identity.context, known.tokens[ADMIN])
    write_private(layout.kubeconfig, json.dumps(config, indent=2) + "\n")


def _certify(layout: Layout, plan: Plan) -> None:
    """Make the API server's certificate and the key that signs the pods' tokens, if they are missing.

    The certificate is kept as long as the address, so that a copy of the kubeconfig works after a restart. It
    is also the API server's identity towards the kubelet, hence the administrators' group.
    """
    openssl = plan.programs["openssl"]
    if not layout.service_account_key.exists():
        _run(openssl, "ecparam", "-genkey", "-noout", "-name", _CURVE, "-out", layout.service_account_key)
    if not layout.certificate(plan.address).exists():
        _run(
            *(
                openssl,
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                f"ec_paramgen_curve:{_CURVE}",
                "-noenc",
                "-days",
                _TEN_YEARS,
            ),
            *("-subj", "/O=system:masters/CN=kube-apiserver"),
            *("-addext", f"subjectAltName=IP:{plan.address},IP:127.0.0.1,IP:{SERVICE_ADDRESS}"),
            *("-keyout", layout.key(plan.address), "-out", layout.certificate(plan.address)),
        )


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"`{' '.join(map(str, command))}` failed: {done.stderr.strip()}")


def _kubeconfig(layout: Layout, plan: Plan, context: str, token: str) -> dict[str, object]:
    """Return a kubeconfig with one context; its file is JSON, a subset of YAML."""
    authority = base64.b64encode(layout.certificate(plan.address).read_bytes()).decode()
    cluster = {"server": plan.api_server, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }
