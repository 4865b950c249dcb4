"""An update server and its registry."""

from __future__ import annotations

from tests.support.update_server import client as client
from tests.support.update_server import git_client as git_client
from tests.support.update_server import place as place
from tests.support.update_server import remote as remote
