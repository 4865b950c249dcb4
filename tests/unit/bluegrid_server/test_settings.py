from __future__ import annotations

import pytest

from bluegrid_registry import ConfigError
from bluegrid_server.settings import Settings
from tests.support.pods import environment_of


def test_the_environment_says_what_is_served(settings: Settings) -> None:
    assert Settings.from_environment({**environment_of(settings), "PATH": "/bin"}) == settings


def test_all_mistakes_are_told_on_one_line(settings: Settings) -> None:
    environment = {**environment_of(settings), "BLUEGRID_MANIFEST": "v1", "BLUEGRID_SERVICE": "Line Loading"}
    del environment["BLUEGRID_STORE"]
    with pytest.raises(ConfigError) as text:
        Settings.from_environment(environment)
    message = str(text.value)
    assert "\n" not in message
    assert "BLUEGRID_STORE: is not set" in message
    assert "BLUEGRID_MANIFEST: 'v1' is not a digest" in message
    assert "BLUEGRID_SERVICE: 'Line Loading' is not a DNS label" in message
