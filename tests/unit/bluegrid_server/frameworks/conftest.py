"""Fixtures of the compiled models."""

from __future__ import annotations

from tests.unit.bluegrid_server.frameworks.compiled import way as way
