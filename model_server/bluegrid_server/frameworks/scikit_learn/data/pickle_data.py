"""The bytes of a pickle from their beginning to their end, and the arrays of numbers among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.scikit_learn.data.described import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PickleData:
    """Reads the bytes of a pickle.

    Args:
        data: the pickle.

    Attributes:
        at: place of the next byte.
        arrays: of numbers, by number.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        self.arrays: list[NDArray[Any]] = []

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes are read."""
        return self.at == len(self._data)

    def byte(self) -> int:
        """Return the next byte; raise IndexError at the end."""
        value = self._data[self.at]
        self.at += 1
        return value

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        taken = self._data[self.at : self.at + size]
        check(0 <= size == len(taken), "a pickle that is cut off")
        self.at += size
        return taken

    def integer(self, size: int, *, signed: bool = False) -> int:
        """Return the next integer of so many bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> str:
        """Return the text up to the end of the line."""
        end = self._data.index(b"\n", self.at)
        text = self.take(end - self.at).decode("ascii")
        self.at += 1
        return text

    def keep(self, values: NDArray[Any]) -> Array:
        """Keep an array of numbers; return what stands for it."""
        self.arrays.append(values)
        return Array(len(self.arrays) - 1)
