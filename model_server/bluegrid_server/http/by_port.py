"""Several applications in one server, chosen by the port of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send


class ByPort:
    """Applications by port, and a default for all other ports."""

    def __init__(self, apps: Mapping[int, ASGIApp], default: ASGIApp) -> None:
        self._apps = apps
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application of the connection's port."""
        _, port = scope.get("server") or ("", 0)
        await self._apps.get(port or 0, self._default)(scope, receive, send)
