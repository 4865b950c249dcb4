"""Readers of models as data, as tests call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.not_data import NotDataError

if TYPE_CHECKING:
    from bluegrid_server.frameworks.supported import Reader


def read_intact(read: Reader, data: bytes) -> Any:
    """Return the model of a file that is not damaged; None if it is refused.

    Any other exception is a fault of the reader, which a server would only log.
    """
    try:
        return read(data)
    except (NotDataError, NotCompiledError):
        return None
