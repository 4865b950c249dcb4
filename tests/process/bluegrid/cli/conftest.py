"""Fixtures for tests of the operator's commands."""

from __future__ import annotations

from tests.support.operator import file as file
from tests.support.update_server import client as client
from tests.support.update_server import place as place
from tests.support.update_server import remote as remote
