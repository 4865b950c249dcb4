"""Helpers for tests of push: models, a store in a folder, and pushed versions."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bluegrid_registry import (
    ModelType,
    PushReport,
    SourceModel,
    Version,
    fetch,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from bluegrid_registry import Store
    from bluegrid_registry.transfer.config import TransferConfig


TYPE = ModelType.parse("scikit-learn/skops")


def models(count: int, seed: int = 1, size: int = 2000) -> list[SourceModel]:
    source = random.Random(seed)
    return [SourceModel(f"line-{number:03}", source.randbytes(size)) for number in range(count)]


def version(report: PushReport) -> Version:
    return Version(id=report.version, manifest=report.manifest, updated=report.published)


def contents(store: Store, report: PushReport, tmp_path: Path) -> dict[str, bytes]:
    paths = fetch(store, report.set, report.version, report.manifest, tmp_path / "into").paths
    return {uid: path.read_bytes() for uid, path in paths.items()}


def use(monkeypatch: pytest.MonkeyPatch, config: TransferConfig) -> None:
    monkeypatch.setattr("bluegrid_registry.transfer.config.DEFAULT", config)
