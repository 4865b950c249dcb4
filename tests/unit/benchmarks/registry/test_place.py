"""Registries of the benchmark are valid ones, whose versions are as `push` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.registry import place
from bluegrid_registry import Registry
from bluegrid_registry.registry_files.version_rows import VersionRows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("versions", [1, 3])
def test_a_registry_of_any_size_has_no_mistakes(versions: int, tmp_path: Path) -> None:
    registry = Registry.load(place.create(tmp_path, 4, versions) / place.REGISTRY)
    assert len(registry.files) == 4
    assert all(isinstance(file.versions, VersionRows) for file in registry.files)
    assert {len(file.versions) for file in registry.files} == {versions}
    assert registry.of_service(place.SERVICE).set.id == place.SET
