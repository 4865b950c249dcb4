"""A model as skops bytes that are the same in every run.

skops names arrays and objects by their memory address and stamps the zip entries with the time of day, so
equal models get different digests. A store addressed by content, and a registry that pins a digest, want
equal bytes: a second run then sends nothing and finds its version already there.
"""

from __future__ import annotations

import io
import re
from typing import Any
from zipfile import ZipFile, ZipInfo

import skops.io

SCHEMA = "schema.json"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+(?=\.npy")')


def skops_bytes(model: Any) -> bytes:
    """What skops writes, with addresses numbered as they appear and entries dated at the zip epoch."""
    numbers: dict[str, str] = {}

    def number(address: re.Match[str]) -> str:
        return numbers.setdefault(address[0], str(len(numbers)))

    rewritten = io.BytesIO()
    with ZipFile(io.BytesIO(skops.io.dumps(model))) as given, ZipFile(rewritten, "w") as stable:
        schema = _ADDRESS.sub(number, given.read(SCHEMA).decode())
        arrays = {
            f"{numbers[name.removesuffix('.npy')]}.npy": given.read(name)
            for name in given.namelist()
            if name != SCHEMA
        }
        for name, content in [*arrays.items(), (SCHEMA, schema.encode())]:
            stable.writestr(ZipInfo(name, ZIP_EPOCH), content)
    return rewritten.getvalue()
