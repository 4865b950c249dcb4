"""Makes the pause image, whose container holds a pod's namespaces, from one static program."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAUSE_IMAGE = "localhost/bluegrid/pause:1"
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_pause_image(program: Path, archive: Path, image: str = PAUSE_IMAGE) -> None:
    """Write an archive in the format of `docker save`, with the program as its only file."""
    layer = _tar({"pause": program.read_bytes()}, mode=0o755)
    machine = platform.machine()
    config = {
        "architecture": _GO_NAMES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"]}]
    files = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    archive.write_bytes(_tar(files, mode=0o644))


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
