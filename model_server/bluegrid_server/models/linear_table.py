"""Linear models as one block of memory that processes share: data, for which nobody needs a framework.

8 bytes      length of the head
head         JSON: the UIDs, and the lists of columns' names that there are
n x 32       digests
n x 4        numbers of features, k
n x 4        which list of names
n x (3k+1)   float64: mean, scale, coefficients, intercept
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import orjson

from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.models.version import ServedModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LENGTH = struct.Struct("<Q")
_DIGEST = 32
_PREFIX = "sha256:"


class LinearTable(Mapping[str, ServedModel]):
    """Linear models by UID; each is made of the memory when it is asked for.

    Args:
        fd: descriptor of the memory; it may be closed afterwards.
    """

    def __init__(self, fd: int) -> None:
        memory = memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_READ))
        (length,) = _LENGTH.unpack_from(memory)
        start = _LENGTH.size + length
        head = orjson.loads(memory[_LENGTH.size : start])
        uids = head["uids"]
        sizes = start + _DIGEST * len(uids)
        self._positions = {uid: position for position, uid in enumerate(uids)}
        self._digests = memory[start:sizes]
        self._sizes = np.frombuffer(memory, np.uint32, len(uids), sizes)
        self._ends = np.cumsum(3 * self._sizes.astype(np.int64) + 1)
        self._columns = [tuple(names) for names in head["columns"]]
        self._which = np.frombuffer(memory, np.uint32, len(uids), sizes + 4 * len(uids)).tolist()
        self._numbers = np.frombuffer(memory, np.float64, offset=sizes + 8 * len(uids))

    @staticmethod
    def make(served: Iterable[ServedModel]) -> int:
        """Return the descriptor of memory that holds the linear ones among these models."""
        linear = [(each, each.model) for each in served if isinstance(each.model, LinearModel)]
        # Most models of a set have the same columns.
        names = dict.fromkeys(model.inputs[0].columns for _, model in linear)
        columns = {each: number for number, each in enumerate(names)}
        head = orjson.dumps({"uids": [each.uid for each, _ in linear], "columns": list(columns)})
        head += b" " * (-len(head) % 8)  # numbers begin at a multiple of their size
        fd = os.memfd_create("bluegrid-linear")
        with os.fdopen(os.dup(fd), "wb") as memory:
            memory.write(_LENGTH.pack(len(head)) + head)
            memory.writelines(bytes.fromhex(each.digest.removeprefix(_PREFIX)) for each, _ in linear)
            memory.write(np.array([model.features for _, model in linear], np.uint32).tobytes())
            which = [columns[model.inputs[0].columns] for _, model in linear]
            memory.write(np.array(which, np.uint32).tobytes())
            for _, model in linear:
                memory.write(model.table.tobytes())
                memory.write(struct.pack("<d", model.intercept))
        return fd

    def __getitem__(self, uid: str) -> ServedModel:
        position = self._positions[uid]
        size, end = int(self._sizes[position]), int(self._ends[position]) - 1
        table = self._numbers[end - 3 * size : end].reshape(3, size)
        digest = self._digests[_DIGEST * position : _DIGEST * (position + 1)].hex()
        model = LinearModel(table, float(self._numbers[end]), self._columns[self._which[position]])
        return ServedModel(uid, _PREFIX + digest, model)

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)
