"""Peers that have Python environments of their own, with exactly the packages that are pinned for them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

from bluegrid.cache import root

if TYPE_CHECKING:
    from pathlib import Path


def venv_of(peer: Path) -> Path:
    """Return the environment of a peer; creating it takes minutes.

    Args:
        peer: a folder named as the peer, with its `requirements.txt`.
    """
    pinned = peer / "requirements.txt"
    venv: Path = root() / "peers" / f"{peer.name}-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]}"
    # Written last: an interrupted run leaves a folder without it.
    complete = venv / "complete"
    if not complete.exists():
        print(f"Installing {peer.name} into {venv}: 2 min, 0.6 GB disk", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip: list[str | Path] = [
            venv / "bin" / "python",
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "install", "--require-hashes", "--requirement", pinned], check=True)
        complete.touch()
    return venv
