"""The place where a demo deploys: a cluster that the user named, or a node of its own."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.node import Node


@dataclass(frozen=True)
class Credentials:
    """An account of the store."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Place:
    """A Kubernetes with an Ingress controller, and a store that its pods reach."""

    kubeconfig: Path
    context: str
    ingress_class: str
    route_url: str
    store: str
    writer: Credentials
    reader: Credentials
    image: str


def on_node(node: Node, image: str) -> Place:
    """The local node: pods read the store with an account that cannot write."""
    return Place(
        kubeconfig=node.kubeconfig,
        context=node.context,
        ingress_class="contour",
        route_url=node.route_url,
        store=_own(f"s3://models?endpoint={node.s3_endpoint}&region=us-east-1"),
        writer=Credentials(node.s3_admin.access_key, node.s3_admin.secret_key),
        reader=Credentials(node.s3_reader.access_key, node.s3_reader.secret_key),
        image=image,
    )


def named(environ: Mapping[str, str]) -> Place:
    """Return the cluster that the user named with `make demo KUBE_CONTEXT=...`, and its other settings.

    Raises:
        ConfigError: something is missing; the message names all of it.
    """
    needed = {
        "STORE": "an s3:// URL that pods reach",
        "IMAGE": "the model server's image, as the cluster pulls it",
        "ROUTE_ADDRESS": "http:// address of the Ingress controller",
        "AWS_ACCESS_KEY_ID": "account of the store",
        "AWS_SECRET_ACCESS_KEY": "its secret",
    }
    missing = [f"{name}= ({what})" for name, what in needed.items() if not environ.get(name)]
    if missing:
        raise ConfigError(f"KUBE_CONTEXT={environ['KUBE_CONTEXT']} needs also {', '.join(missing)}")
    account = Credentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"])
    return Place(
        kubeconfig=Path(environ.get("KUBECONFIG", "") or Path.home() / ".kube" / "config"),
        context=environ["KUBE_CONTEXT"],
        ingress_class=environ.get("INGRESS_CLASS", "contour"),
        route_url=environ["ROUTE_ADDRESS"],
        store=_own(environ["STORE"]),
        writer=account,
        reader=account,
        image=environ["IMAGE"],
    )


def _own(store: str) -> str:
    """Return a store's URL with a new prefix, so that an earlier run's objects are not used."""
    parts = urlsplit(store)
    return parts._replace(path=f"{parts.path.rstrip('/')}/demo-{secrets.token_hex(4)}").geturl()


def is_named() -> bool:
    """Return whether the user named a cluster."""
    return bool(os.environ.get("KUBE_CONTEXT"))
