"""Connects to the namespace in which a command works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.operations import Namespace

if TYPE_CHECKING:
    from bluegrid.project import Place


def connect(place: Place) -> Namespace:
    """Return the place's namespace; no request is sent yet.

    Raises:
        ConfigError: neither an option nor a stack names the context.
        KubernetesError: the kubeconfig has no such context.
    """
    return Namespace.connect(place.required_context, place.namespace, place.kubeconfig)
