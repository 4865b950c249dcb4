"""The models that are moved: random models and real models.

A random model is the smallest skops file around random bytes, which do not compress, so that only transfer is
measured. Real models come from `examples/line_loading`; they compress, and their rows say so.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

from benchmarks.transfer.server import CHECKOUT
from bluegrid_registry import IntegrityError, sha256_hex

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".skops"
_SCHEMA = json.dumps(
    {
        "__class__": "bytes",
        "__module__": "builtins",
        "__loader__": "BytesNode",
        "file": "0.bin",
        "__id__": 0,
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
)
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Payload:
    """Models in a folder, one file each.

    Attributes:
        name: for people, `3,207 x 20 KB`.
        sha256s: the digest of every file, by file name.
    """

    name: str
    folder: Path
    sha256s: dict[str, str]

    @cached_property
    def total(self) -> int:
        """Bytes of all models."""
        return sum((self.folder / name).stat().st_size for name in self.sha256s)

    @cached_property
    def joined(self) -> bytes:
        """Return all models as one block of bytes, in the order of their names."""
        return b"".join((self.folder / name).read_bytes() for name in self.sha256s)

    def part(self, count: int) -> Payload:
        """Return the first `count` models."""
        return Payload(self.name, self.folder, dict(list(self.sha256s.items())[:count]))

    def check(self, name: str, data: bytes) -> None:
        """Check that bytes are the model's.

        Raises:
            IntegrityError: they differ.
        """
        if sha256_hex(data) != self.sha256s[name]:
            raise IntegrityError(f"{self.name}: {name} arrived with other bytes")


def random_models(folder: Path, count: int, size: int, seed: int = 4) -> Payload:
    """Write `count` models of exactly `size` bytes each; the same seed gives the same models."""
    folder.mkdir(parents=True)
    source = random.Random(seed)  # noqa: S311 (no secret)
    overhead = len(_skops(b""))
    sha256s = {}
    for number in range(count):
        name = f"line-{number:06}{SUFFIX}"
        data = _skops(source.randbytes(size - overhead))
        (folder / name).write_bytes(data)
        sha256s[name] = sha256_hex(data)
    return Payload(f"{count:,} x {size_name(size)}", folder, sha256s)


def real_models(folder: Path, count: int) -> Payload:
    """Train the models of the example's versions, and take `count` different models of them."""
    trained = folder.with_name(f"{folder.name}-trained")
    command: list[str | Path] = [sys.executable, "-m", "bluegrid.tour.line_loading", "--out", trained]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    folder.mkdir()
    sha256s: dict[str, str] = {}
    for path in sorted(trained.glob(f"v*/*{SUFFIX}")):
        data = path.read_bytes()
        if len(sha256s) < count and sha256_hex(data) not in sha256s.values():
            name = f"{path.parent.name}-{path.name}"
            (folder / name).write_bytes(data)
            sha256s[name] = sha256_hex(data)
    shutil.rmtree(trained)
    return Payload(f"{len(sha256s):,} real skops models", folder, sha256s)


def size_name(size: int) -> str:
    """Return a size as text: `20 KB` for 20,000 bytes."""
    return f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1_000} KB"


def _skops(content: bytes) -> bytes:
    written = io.BytesIO()
    with ZipFile(written, "w") as archive:
        archive.writestr(ZipInfo("0.bin", _ZIP_EPOCH), content)
        archive.writestr(ZipInfo("schema.json", _ZIP_EPOCH), _SCHEMA)
    return written.getvalue()
