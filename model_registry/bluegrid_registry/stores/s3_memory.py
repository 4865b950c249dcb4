"""Results of probes, cached for a while in the user's cache folder.

The cache records that a server writes atomically, which a probe detects by simultaneous writes. A record is
valid for `AGE`, if the server's name has not changed. Each process
probes again whether the server verifies checksums and refuses to overwrite an object: if a server stopped
doing so, unverified bytes would count as verified.
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
"""How long a record is valid."""


class Known(Frozen):
    """A server whose conditional writes are atomic, but for a moment in some servers."""

    server: str
    """Name of the server, from the header Server."""
    ranges: bool
    """Whether the server returns a part of an object on request."""
    single_winner: bool
    """Whether it accepts exactly one of the writes that end at the same moment."""
    found: AwareDatetime


class _File(Frozen):
    # Releases that wrote format 1 did not test writes that end at the same moment.
    format: Literal["bluegrid-stores/2"] = "bluegrid-stores/2"
    stores: dict[str, Known]


def recall(url: str) -> Known | None:
    """Return the record of the store at `url`; None: there is none, or it is too old."""
    return _read().get(url)


def remember(url: str, known: Known | None) -> None:
    """Record the result of a probe; None: delete the record. A failure to write is ignored."""
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
        # This is normal in a pod; the next process probes again.
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
    # A time in the future comes from a wrong clock.
    return {url: known for url, known in stores.items() if timedelta() <= now - known.found < AGE}
