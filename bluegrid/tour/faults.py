"""Injects faults: `python -m bluegrid.tour.faults g1 v4 line-17` flips a byte in the store.

The same as a failing disk does; bluegrid does not notice the write. Small versions are in the store twice
(docs/adr/0050-early-packs.md), and a fetch uses whichever copy is whole, so both are damaged.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from bluegrid_registry import Checksum, Registry, open_store, read_manifest
from bluegrid_registry.errors import ObjectMissing
from bluegrid_registry.formats.layout import early_pack_key, pack_key
from bluegrid_registry.transfer.early_packs import early_packs


def flip_a_byte(registry: Path, store: str, set_id: str, version_id: str, uid: str) -> str:
    """Flip all bits of the byte in the middle of a model's frame, in all copies; return the model's pack."""
    version = Registry.load(registry).of_set(set_id).version(version_id)
    opened = open_store(store)
    manifest = read_manifest(opened, set_id, version_id, version.manifest)
    row = next(row for row in manifest.models if row.uid == uid)
    keys = [pack_key(set_id, row.pack)]
    keys += [
        early_pack_key(set_id, version.manifest, place)
        for place, pack in early_packs(manifest).items()
        if pack.name == row.pack
    ]
    for key in keys:
        with suppress(ObjectMissing):
            data = bytearray(opened.get(key))
            data[row.offset + row.length // 2] ^= 0xFF
            opened.put(key, bytes(data), Checksum.of(bytes(data)))
    return row.pack


if __name__ == "__main__":
    place = Path(os.environ["BLUEGRID_REGISTRY"]), os.environ["BLUEGRID_STORE"]
    sys.stdout.write(f"{flip_a_byte(*place, *sys.argv[1:])}\n")
