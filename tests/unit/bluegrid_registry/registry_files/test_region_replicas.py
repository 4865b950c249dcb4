"""The numbers of pods in a region."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import ConfigError, Registry, Sizes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = """\
set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}
versions:
  - {id: v1, manifest: "sha256:%s", updated: 2026-11-21T08:00:00Z}
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: %d, cpu: 2, memory: 2Gi}
"""


def replicas(folder: Path, declared: int, factor: str, given: Mapping[str, int]) -> int:
    (folder / "g1.yaml").write_text(FILE % ("1" * 64, declared))
    (service,) = Registry.load(folder).offered("north", Sizes(Decimal(factor), given)).values()
    return service.cluster("d1").when_live.replicas


@pytest.mark.parametrize(
    ("declared", "factor", "expected"),
    [(2, "1", 2), (3, "0.1", 1), (3, "0.5", 2), (10, "1.1", 11), (2, "3", 6), (0, "100", 0)],
)
def test_a_factor_multiplies_and_rounds_up_so_that_some_pods_are_never_none(
    tmp_path: Path, declared: int, factor: str, expected: int
) -> None:
    assert replicas(tmp_path, declared, factor, {}) == expected


def test_a_number_that_is_named_stands_whatever_the_factor(tmp_path: Path) -> None:
    assert replicas(tmp_path, 2, "3", {"line-loading-d1": 5}) == 5
    assert replicas(tmp_path, 2, "3", {"line-loading-d1": 0}) == 0


def test_a_cluster_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        replicas(tmp_path, 2, "1", {"line-loading-d9": 5})
    assert str(refusal.value) == (
        "replicas: line-loading-d9: no such cluster in this region; declared: line-loading-d1; "
        "take its number of pods out of the region's sizes"
    )
