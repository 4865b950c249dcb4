"""The status of a worker in shared memory, which the front can read even if the worker never finishes."""

from __future__ import annotations

import mmap
import os
import struct
import time

_BUSY = struct.Struct("<QQ")
_LOADED = struct.Struct("<Q")
_SIZE = _BUSY.size + _LOADED.size


class WorkerStatus:
    """The request in progress, since when, and the number of models, in shared memory."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, _SIZE)

    @staticmethod
    def make() -> int:
        """Create the shared memory; return its descriptor."""
        fd = os.memfd_create("bluegrid-status")
        os.ftruncate(fd, _SIZE)
        return fd

    def begin(self, number: int) -> None:
        """Record that a step of this request begins."""
        _BUSY.pack_into(self._memory, 0, number, time.monotonic_ns())

    def end(self) -> None:
        """Record that the step has ended."""
        _BUSY.pack_into(self._memory, 0, 0, 0)

    def loaded(self, models: int) -> None:
        """Record how many models are in memory."""
        _LOADED.pack_into(self._memory, _BUSY.size, models)

    @property
    def models(self) -> int:
        """Number of models in memory."""
        (models,) = _LOADED.unpack_from(self._memory, _BUSY.size)
        return int(models)

    @property
    def request(self) -> int | None:
        """Number of the request in progress; None: the worker is idle."""
        number, since = _BUSY.unpack_from(self._memory, 0)
        return number if since else None

    @property
    def seconds(self) -> float:
        """Duration of the step in progress, in seconds; 0: none."""
        _, since = _BUSY.unpack_from(self._memory, 0)
        return (time.monotonic_ns() - since) / 1e9 if since else 0.0

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()
