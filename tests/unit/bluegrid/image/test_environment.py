"""A build installs the locked packages, wherever it is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bluegrid.image import environment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_programs_see_where_packages_come_from_and_no_choice_of_which() -> None:
    kept = {
        "PATH": "/usr/bin",
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_CACHE_DIR": "/var/cache/uv",
        "UV_DEFAULT_INDEX": "https://packages.example.org/simple",
        "UV_INDEX_COMPANY_PASSWORD": "secret",
    }
    uv = ("UV_OVERRIDE", "UV_NO_BINARY", "UV_PRERELEASE", "UV_CONFIG_FILE", "UV_PYTHON")
    others = ("PIP_NO_INDEX", "PIP_CONSTRAINT", "PYTHONPATH", "VIRTUAL_ENV", "BUILDAH_FORMAT", "GIT_DIR")
    left_out = dict.fromkeys((*uv, *others), "x")
    assert environment.of_programs({**kept, **left_out}) == kept


def test_the_cache_of_the_checkout_is_used_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environment.of_programs({}) == {"UV_CACHE_DIR": os.fspath(tmp_path / "bluegrid" / "uv")}
