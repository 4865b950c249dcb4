"""A registry file written by hand, and helpers for tests of edits."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bluegrid_registry import (
    Cluster,
    Version,
)

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64


V3 = Version.model_validate({"id": "v3", "manifest": DIGEST, "updated": "2026-11-24T08:00:00Z"})


D3 = Cluster(id="d3", version="v2", replicas=1, cpu="500m", gpu=0, memory="2Gi")


TEXT = f"""\
# Devices of the north, kept by grid operations
set:   {{ id: g1, name: 'Line loading', task: "regression", type: scikit-learn/skops, source: platform }}

versions:   # oldest first
  # the first one
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}
  - id: v2      # a block in between
    manifest: sha256:{"2" * 64}
    updated: 2026-11-23T09:00:00+01:00    # winter

# The online service.
service:
    name: line-loading
    live: 'd1'      # switched by the operator on duty
    clusters:
    -   {{id: d1, version: v1, replicas: 2,   cpu: 2, gpu: 0, memory: 2Gi}}  # big
    # standby
    regions: [ north,east ]
# the end
"""


def write(folder: Path, text: str) -> Path:
    (folder / "g1.yaml").write_bytes(text.encode())
    return folder


def read(folder: Path) -> str:
    return (folder / "g1.yaml").read_bytes().decode()


def changed_lines(before: str, after: str) -> list[str]:
    """Return the removed (-) and added (+) lines."""
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if line[0] in "-+"]
