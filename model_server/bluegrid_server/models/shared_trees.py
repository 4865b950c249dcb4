"""Tables of trees in shared memory, which is read without a framework.

records of models, each at a multiple of 8:
    8 bytes   length of the head
    head      JSON: UID, digest, number of its specs, sizes of the arrays, and the fields that are not arrays
    arrays    bounds, leaves, mean and scale (FP64), roots (int64), left and right (int16), features (uint16)
index         JSON: by UID the place of the record and the largest body to answer at once; the distinct specs
8 bytes       length of the index
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LENGTH = struct.Struct("<Q")
_ARRAYS: Mapping[str, type[np.generic]] = {
    "bounds": np.float64,
    "leaves": np.float64,
    "mean": np.float64,
    "scale": np.float64,
    "roots": np.int64,
    "left": np.int16,
    "right": np.int16,
    "features": np.uint16,
}
"""Arrays of a record, in order."""
_FIELDS = ("inputs", "outputs", "single", "divisor", "link", "depth")
_OF_TUPLES = ("shape", "columns", "classes", "aliases", "ignored")
_LABELS = "biufO"
"""Kinds of labels that JSON holds: numbers, booleans, and objects if all are strings."""
_STEPS = 2**20
"""Maximum number of steps in trees for one request in the front: about 10 ms, while other requests wait."""


class TreeBlock:
    """Writes the tables of models to shared memory, one after the other.

    Attributes:
        fd: descriptor of the memory.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("bluegrid-trees")
        self._memory = os.fdopen(os.dup(self.fd), "wb")
        self._index: dict[str, tuple[int, int]] = {}
        self._specs: dict[tuple[tuple[TensorSpec, ...], ...], int] = {}
        self._models: dict[str, TreeModel] = {}

    def __len__(self) -> int:
        return len(self._index)

    def add(self, served: ServedModel) -> None:
        """Write the table of a model, if it is small and of trees; the model cannot answer until `finish`."""
        model = served.model
        if not isinstance(model, TreeModel) or not model.table.is_small or not _is_plain(model.table.labels):
            return
        table = model.table
        arrays = {name: getattr(table, name) for name in _ARRAYS}
        specs = self._specs.setdefault((model.inputs, model.outputs), len(self._specs))
        labels = table.labels
        head = orjson.dumps(
            {
                "digest": served.digest,
                "defaults": served.defaults,
                "refuses_non_finite": served.refuses_non_finite,
                "specs": specs,
                "sizes": [None if array is None else len(array) for array in arrays.values()],
                "labels": None if labels is None else [labels.dtype.str, labels.tolist()],
                **{name: getattr(table, name) for name in _FIELDS},
            }
        )
        self._memory.write(b" " * (-self._memory.tell() % 8))
        self._index[served.uid] = (self._memory.tell(), _largest_body(table))
        head += b" " * (-len(head) % 8)
        self._memory.write(_LENGTH.pack(len(head)) + head)
        for name, dtype in _ARRAYS.items():
            if arrays[name] is not None:
                self._memory.write(arrays[name].astype(dtype, copy=False).tobytes())
        self._models[served.uid] = model
        # The memory of the arrays serves for the next model.
        del model.table

    def finish(self) -> None:
        """Write the index, and let the models answer from the shared memory."""
        index = orjson.dumps({"places": self._index, "specs": [*self._specs]})
        self._memory.write(index + _LENGTH.pack(len(index)))
        self._memory.close()
        memory = memoryview(mmap.mmap(self.fd, 0, access=mmap.ACCESS_READ))
        for uid, model in self._models.items():
            place, _ = self._index[uid]
            model.table, _ = _table(memory, place)


def _is_plain(labels: NDArray[Any] | None) -> bool:
    if labels is None:
        return True
    if labels.dtype.kind == "O":
        return all(isinstance(label, str) for label in labels.tolist())
    return labels.dtype.kind in _LABELS


def _largest_body(table: TreeTable) -> int:
    """Return the size of a body, in bytes, whose rows take at most `_STEPS`; a number takes a byte."""
    rows = max(1, _STEPS // max(1, len(table.roots) * table.depth))
    return rows * table.inputs


def _table(memory: memoryview, place: int) -> tuple[TreeTable, dict[str, Any]]:
    """Return the table of the record at a place, unchecked, and the record's head."""
    (length,) = _LENGTH.unpack_from(memory, place)
    begin = place + _LENGTH.size
    head: dict[str, Any] = orjson.loads(memory[begin : begin + length])
    at, arrays = begin + length, dict[str, Any]()
    for (name, dtype), size in zip(_ARRAYS.items(), head["sizes"], strict=True):
        arrays[name] = None if size is None else np.frombuffer(memory, dtype, size, at)
        at += (size or 0) * np.dtype(dtype).itemsize
    labels = None
    if head["labels"] is not None:
        dtype, values = head["labels"]
        labels = np.array(values, dtype)
    return TreeTable(**arrays, labels=labels, **{name: head[name] for name in _FIELDS}), head


class SharedTrees(Mapping[str, ServedModel]):
    """Models of trees in shared memory, for a process that has no framework; each is made when it is needed.

    A model here answers only what its table answers, and raises ElsewhereError for the rest.

    Args:
        fd: descriptor of the memory; can be closed afterwards.

    Attributes:
        largest: by UID, the size of the largest body to answer at once, in bytes.
    """

    def __init__(self, fd: int) -> None:
        self._memory = memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_READ))
        end = len(self._memory) - _LENGTH.size
        (length,) = _LENGTH.unpack_from(self._memory, end)
        index = orjson.loads(self._memory[end - length : end])
        self._places: dict[str, int] = {uid: place for uid, (place, _) in index["places"].items()}
        self.largest: dict[str, int] = {uid: largest for uid, (_, largest) in index["places"].items()}
        self._specs = [tuple(tuple(map(_spec, specs)) for specs in both) for both in index["specs"]]
        self._models: dict[str, ServedModel] = {}

    def __getitem__(self, uid: str) -> ServedModel:
        """Return the model of a UID; its table is checked when it is first needed."""
        if (served := self._models.get(uid)) is None:
            table, head = _table(self._memory, self._places[uid])
            inputs, outputs = self._specs[head["specs"]]
            model = TreeModel(table.checked(), inputs, outputs, original=None)
            served = self._models[uid] = ServedModel(
                uid,
                head["digest"],
                model,
                defaults=tuple(head["defaults"]),
                refuses_non_finite=head["refuses_non_finite"],
            )
        return served

    def __contains__(self, uid: object) -> bool:
        return uid in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _spec(document: dict[str, Any]) -> TensorSpec:
    lists = {name: tuple(document[name]) for name in _OF_TUPLES}
    fields: dict[str, Any] = {**document, **lists}
    return TensorSpec(**fields)
