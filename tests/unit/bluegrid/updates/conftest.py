"""A registry as an update server has it."""

from __future__ import annotations

from tests.support.update_server import place as place
