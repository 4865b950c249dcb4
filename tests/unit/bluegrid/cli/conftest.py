"""Fixtures for tests of the operator's commands."""

from __future__ import annotations

from tests.support.operator import file as file
