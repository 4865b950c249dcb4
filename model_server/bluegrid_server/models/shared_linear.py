"""Linear models as one block of shared memory, which is read without a framework.

8 bytes      length of the head
head         JSON: the UIDs, the distinct lists of column names, and whether non-finite outputs are refused
n x 32       digests
n x 4        numbers of features, k
n x 4        index of the list of column names
n x (3k+1)   float64: mean, scale, coefficients, intercept
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING

import numpy as np
import orjson

from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.models.model_pool import ModelPool, unloaded
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.model_state import ModelState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LENGTH = struct.Struct("<Q")
_DIGEST = 32
"""Size of a digest, in bytes."""
_PREFIX = "sha256:"


def write_linear(served: Iterable[ServedModel]) -> int:
    """Write the linear models among these to shared memory; return its descriptor."""
    linear = [(entry, entry.model) for entry in served if isinstance(entry.model, LinearModel)]
    # Stored once, because most models of a set have the same columns.
    names = dict.fromkeys(model.inputs[0].columns for _, model in linear)
    columns = {columns: number for number, columns in enumerate(names)}
    head = orjson.dumps(
        {
            "uids": [entry.uid for entry, _ in linear],
            "columns": list(columns),
            "refuses_non_finite": any(entry.refuses_non_finite for entry, _ in linear),
        }
    )
    head += b" " * (-len(head) % 8)  # numbers begin at a multiple of their size
    fd = os.memfd_create("bluegrid-linear")
    with os.fdopen(os.dup(fd), "wb") as memory:
        memory.write(_LENGTH.pack(len(head)) + head)
        memory.writelines(bytes.fromhex(entry.digest.removeprefix(_PREFIX)) for entry, _ in linear)
        memory.write(np.array([model.features for _, model in linear], np.uint32).tobytes())
        indices = [columns[model.inputs[0].columns] for _, model in linear]
        memory.write(np.array(indices, np.uint32).tobytes())
        for _, model in linear:
            memory.write(model.table.tobytes())
            memory.write(struct.pack("<d", model.intercept))
    return fd


def read_linear(fd: int) -> dict[str, ServedModel]:
    """Return the linear models of a block by UID; their numbers stay in the shared memory.

    Args:
        fd: descriptor of the memory; can be closed afterwards.
    """
    memory = memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_READ))
    (length,) = _LENGTH.unpack_from(memory)
    start = _LENGTH.size + length
    head = orjson.loads(memory[_LENGTH.size : start])
    count = len(head["uids"])
    sizes_at = start + _DIGEST * count
    sizes = np.frombuffer(memory, np.uint32, count, sizes_at).tolist()
    indices = np.frombuffer(memory, np.uint32, count, sizes_at + 4 * count).tolist()
    numbers = np.frombuffer(memory, np.float64, offset=sizes_at + 8 * count)
    columns = [tuple(names) for names in head["columns"]]
    models, begin = {}, 0
    for position, (uid, size) in enumerate(zip(head["uids"], sizes, strict=True)):
        end = begin + 3 * size
        table = numbers[begin:end].reshape(3, size)
        digest = memory[start + _DIGEST * position : start + _DIGEST * (position + 1)].hex()
        model = LinearModel(table, float(numbers[end]), columns[indices[position]])
        models[uid] = ServedModel(uid, _PREFIX + digest, model, refuses_non_finite=head["refuses_non_finite"])
        begin = end + 1
    return models


class SharedLinearPool(ModelPool):
    """Linear models in shared memory, without files and frameworks.

    Args:
        models: by UID, from `read_linear`.
    """

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        self._models = models
        self._unloaded: set[str] = set()

    def __getitem__(self, uid: str) -> ServedModel:
        """Return the model of a UID."""
        served = self._models[uid]
        if uid in self._unloaded:
            raise unloaded(uid)
        return served

    def __contains__(self, uid: object) -> bool:
        return uid in self._models

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def loaded(self) -> int:
        """Number of models that answer."""
        return len(self._models) - len(self._unloaded)

    def state(self, uid: str) -> tuple[ModelState, str]:
        """Return the state of a model as the protocol names it, and the reason."""
        return (ModelState.UNAVAILABLE, "unloaded") if uid in self._unloaded else (ModelState.READY, "")

    def load(self, uid: str) -> None:
        """Let an unloaded model answer again."""
        self._unloaded.discard(uid)

    def unload(self, uid: str) -> None:
        """Keep a model from answering until it is loaded again."""
        self._unloaded.add(uid)
