"""Injects faults: `python -m tools.demo.faults g1 v4 line-17` flips a byte in the store.

The same as a failing disk does; bluegrid does not notice the write.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bluegrid_registry import Checksum, Registry, open_store, read_manifest
from bluegrid_registry.formats.layout import pack_key


def flip_a_byte(set_id: str, version_id: str, uid: str) -> str:
    """Flip all bits of the byte in the middle of a model's frame; return the model's pack."""
    version = Registry.load(Path(os.environ["BLUEGRID_REGISTRY"])).of_set(set_id).version(version_id)
    store = open_store(os.environ["BLUEGRID_STORE"])
    models = read_manifest(store, set_id, version_id, version.manifest).models
    row = next(row for row in models if row.uid == uid)
    key = pack_key(set_id, row.pack)
    data = bytearray(store.get(key))
    data[row.offset + row.length // 2] ^= 0xFF
    store.put(key, bytes(data), Checksum.of(bytes(data)))
    return row.pack


if __name__ == "__main__":
    print(flip_a_byte(*sys.argv[1:]))
