"""Settings that a stack's clusters share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bluegrid_components import Hosting, IngressClass

if TYPE_CHECKING:
    import pulumi
    import pytest


def test_hooks_are_there_also_where_every_service_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    def register(hook: pulumi.ResourceHook) -> None:
        names.append(hook.name)

    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", register)
    asyncio.run(_host())
    assert {"bluegrid-drained", "bluegrid-arrived", "bluegrid-ready"} <= {*names}


async def _host() -> None:
    """Run as in a program: hooks need a running event loop."""
    Hosting(
        namespace="grid",
        service_account="server",
        store_secret=None,
        store="s3://models",
        image="server@sha256:0",
        proxy=IngressClass("contour"),
        route_key="key",
        kube_context="north",
    )
