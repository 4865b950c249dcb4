"""Stacks of one namespace: one makes the platform, the others name it; each service is in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.project import find_stack
from bluegrid.project.platforms import check_platforms, neighbours_of, services_of
from bluegrid.project.stack_files import region_names
from bluegrid_registry import ConfigError, Registry
from tests.support.operator import TEXT, stack_file

if TYPE_CHECKING:
    from pathlib import Path

GRID = {"kubeContext": "grid", "namespace": "grid"}


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """North makes the platform, north-lines uses it; east is elsewhere."""
    stack_file(tmp_path, "north", **GRID)
    stack_file(tmp_path, "north-lines", platform="north", **GRID)
    stack_file(tmp_path, "east")
    return tmp_path / "stacks"


def registry(folder: Path, regions: str) -> Registry:
    (folder / "registry").mkdir()
    text = TEXT.replace("  regions: [north, east]\n", regions)
    (folder / "registry" / "g1.yaml").write_text(text)
    return Registry.load(folder / "registry")


def having(stacks: Path, declared: Registry) -> set[str]:
    names = ("north", "north-lines", "east")
    return {name for name in names if find_stack(stacks, name).offered(declared)}


@pytest.mark.parametrize(
    ("regions", "names"),
    [
        ("", {"north", "east"}),
        ("  regions: [north-lines]\n", {"north-lines"}),
        ("  regions: [east, north-lines]\n", {"east", "north-lines"}),
    ],
)
def test_a_stack_with_another_ones_platform_has_only_what_names_it(
    stacks: Path, tmp_path: Path, regions: str, names: set[str]
) -> None:
    declared = registry(tmp_path, regions)
    assert having(stacks, declared) == names
    (file,) = declared.files
    assert file.service is not None
    assert {name for name in names if find_stack(stacks, name).has(file.service)} == names


def test_a_service_without_regions_is_in_those_with_platforms_of_their_own(stacks: Path) -> None:
    assert sorted(region_names(stacks, with_own_platform=True)) == ["east", "north"]
    assert sorted(region_names(stacks)) == ["east", "north", "north-lines"]


def test_services_of_the_same_namespace_are_known_by_their_stack(stacks: Path, tmp_path: Path) -> None:
    declared = registry(tmp_path, "  regions: [north-lines]\n")
    north, lines, east = (find_stack(stacks, name) for name in ("north", "north-lines", "east"))
    assert [each.name for each in neighbours_of(north, stacks)] == ["north-lines"]
    assert neighbours_of(east, stacks) == []
    assert services_of([lines], north, declared) == {"line-loading"}
    assert services_of([north], lines, declared) == frozenset()


@pytest.mark.parametrize(
    ("name", "settings", "fault"),
    [
        ("west", {"platform": "south", **GRID}, "platform: south: there is no stack south in "),
        (
            "west",
            {"platform": "north-lines", **GRID},
            "platform: north-lines uses the platform of north itself",
        ),
        ("west", {"platform": "north"}, "platform: north is in namespace grid of context grid, and west in"),
        ("west", {"platform": "west", **GRID}, "platform: west uses the platform of west itself"),
    ],
)
def test_a_platform_that_is_not_there_is_refused(
    stacks: Path, tmp_path: Path, name: str, settings: dict[str, str], fault: str
) -> None:
    check_platforms(stacks)
    file = stack_file(tmp_path, name, **settings)
    with pytest.raises(ConfigError) as refused:
        check_platforms(stacks)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{file}: bluegrid:{fault}")
