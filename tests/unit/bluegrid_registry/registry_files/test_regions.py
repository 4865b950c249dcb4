"""Regions that a registry names, compared with the existing regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import Registry, RegistryError, check_regions, require_region

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{0}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{0}", updated: 2026-11-23T08:00:00Z}}
service:
  name: line-loading
  clusters:
    - {{id: d1, version: v1, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, cpu: 2, memory: 2Gi}}
{1}
"""
REFUSAL = "is not a region; there are east, north; correct the name, or add the region"


def registry(folder: Path, *lines: str) -> Path:
    (folder / "g1.yaml").write_text(TEXT.format("1" * 64, "\n".join(f"  {line}" for line in lines)))
    Registry.load(folder)
    return folder


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (("live: {default: d1, nroth: d2}",), "10: service.live.nroth"),
        (("live: d1", "regions: [north, nroth]"), "11: service.regions[1]"),
        (("live: d1", "traffic: {nroth: {d1: 90, d2: 10}}"), "11: service.traffic.nroth"),
    ],
)
def test_a_region_that_no_stack_has_is_told_with_file_and_line(
    lines: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    folder = registry(tmp_path, *lines)
    with pytest.raises(RegistryError) as refused:
        check_regions(folder, ["north", "east"])
    assert str(refused.value) == f"{folder}/g1.yaml:{place}: nroth {REFUSAL}"


@pytest.mark.parametrize(
    "lines",
    [
        ("live: d1",),
        ("live: d1", "traffic: {d1: 90, d2: 10}"),
        ("live: {default: d1, east: d2}", "regions: [north, east]"),
        ("live: d1", "traffic: {default: {d1: 90, d2: 10}, north: {d1: 1}}"),
    ],
)
def test_regions_that_there_are_pass(lines: tuple[str, ...], tmp_path: Path) -> None:
    check_regions(registry(tmp_path, *lines), ["north", "east"])


def test_a_service_of_no_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as refused:
        registry(tmp_path, "live: d1", "regions: []")
    assert str(refused.value) == (
        f"{tmp_path}/g1.yaml:11: service.regions: is empty; leave it out, or say what is in it"
    )


def test_a_region_that_is_typed_is_refused_with_those_that_there_are() -> None:
    for region in ("north", "default"):
        require_region(region, ["north", "east"])
    with pytest.raises(RegistryError) as refused:
        require_region("nroth", ["north", "east"])
    assert str(refused.value) == f"nroth {REFUSAL}"
