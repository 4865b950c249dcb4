"""A registry for an update server."""

from __future__ import annotations

from tests.support.update_server import place as place
