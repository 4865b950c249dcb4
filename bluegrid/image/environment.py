"""The environment of a build's programs: where packages come from, not which are installed.

The lock file decides which packages an image has, and how they are installed. A variable such as UV_OVERRIDE
or PYTHONPATH, set in the shell for another purpose, would change that.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from bluegrid import cache

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES = ("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "BUILDAH_", "GIT_", "SOURCE_DATE_EPOCH")
"""Prefixes of variables that change how installers, buildah and git work."""

# Where packages come from; which ones are installed is fixed by the locked hashes.
_SOURCES = frozenset(
    {
        "GIT_SSL_CAINFO",
        "UV_CACHE_DIR",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_HTTP_TIMEOUT",
        "UV_INDEX",
        "UV_INDEX_STRATEGY",
        "UV_INDEX_URL",
        "UV_INSECURE_HOST",
        "UV_KEYRING_PROVIDER",
        "UV_NATIVE_TLS",
        "UV_OFFLINE",
        "UV_SYSTEM_CERTS",
    }
)
_CREDENTIALS = re.compile(r"UV_INDEX_\w+_(USERNAME|PASSWORD)")


def of_programs(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a build's programs; uv's cache is in bluegrid's cache."""
    return {"UV_CACHE_DIR": str(cache.root() / "uv")} | {
        name: value
        for name, value in environment.items()
        if name in _SOURCES or _CREDENTIALS.fullmatch(name) or not name.startswith(_CHOICES)
    }
