"""Small versions of models, and their state as readers see it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bluegrid_registry import ObjectMissing, SourceModel, Version, fetch_bytes, read_commit
from bluegrid_registry.transfer.config import TransferConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from bluegrid_registry import BluegridError, PushReport, Store

    MakeModels = Callable[..., tuple[SourceModel, ...]]
    AtRest = Callable[[str], Path]


def models(seed: int, count: int = 3) -> list[SourceModel]:
    source = random.Random(seed)
    return [SourceModel(f"line-{number}", source.randbytes(40) * 2) for number in range(count)]


def contents(models: Sequence[SourceModel]) -> dict[str, bytes]:
    return {model.uid: model.read() for model in models}


def version(report: PushReport) -> Version:
    row = {"id": report.version, "manifest": report.manifest, "updated": "2026-11-22T08:00:00Z"}
    return Version.model_validate(row)


def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.transfer.config.DEFAULT", TransferConfig(pack_bytes=6000))


def visible_models(store: Store, version_id: str) -> dict[str, bytes] | None:
    """Return the version's models as readers see them; None if they do not see the version."""
    try:
        digest = read_commit(store, "g1", version_id).manifest
    except ObjectMissing:
        return None
    return dict(fetch_bytes(store, "g1", version_id, digest))


def check_is_one_line(error: BluegridError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 1000
