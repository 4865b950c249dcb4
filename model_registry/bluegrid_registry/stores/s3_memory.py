"""What probes have found out about servers, kept for a while in the user's cache folder.

What is kept is that a server writes atomically, which takes two simultaneous writes to find out. It is
believed for `AGE` of a server whose name has not changed; each commit is read back in any case. That a server
verifies checksums, and refuses to write over an object, is tried again by each process: if a server stopped
doing so, unproven bytes would count as proven.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from bluegrid_registry.files import write_whole
from bluegrid_registry.frozen import Frozen

AGE = timedelta(days=7)
"""How long an answer is believed."""


class Known(Frozen):
    """A server that writes atomically."""

    server: str
    """Its name, from the header Server."""
    ranges: bool
    """Whether it returns a part of an object on request."""
    found: AwareDatetime


class _File(Frozen):
    format: Literal["bluegrid-stores/1"] = "bluegrid-stores/1"
    stores: dict[str, Known]


def recall(url: str) -> Known | None:
    """Return what is known of the store at `url`; None: nothing, or it is too old."""
    return _read().get(url)


def remember(url: str, known: Known | None) -> None:
    """Keep what was found out; None: forget it. A failure to write is ignored."""
    stores = _read()
    if stores.get(url) == known:
        return
    stores.pop(url, None)
    if known is not None:
        stores[url] = known
    try:
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _File(stores=stores).model_dump_json(indent=1).encode() + b"\n")
    except (OSError, RuntimeError):
        # Such as in a pod: then the next process probes again.
        pass


def _path() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification ignores relative paths. Without a home folder, expanduser raises RuntimeError.
    folder = Path(cache) if Path(cache).is_absolute() else Path("~/.cache").expanduser()
    return folder / "bluegrid" / "stores.json"


def _read() -> dict[str, Known]:
    now = datetime.now(UTC)
    try:
        stores = _File.model_validate_json(_path().read_bytes()).stores
    except (OSError, RuntimeError, ValidationError):
        return {}
    # A time in the future was written under a wrong clock.
    return {url: known for url, known in stores.items() if timedelta() <= now - known.found < AGE}
