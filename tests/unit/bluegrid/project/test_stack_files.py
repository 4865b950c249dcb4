"""A stack's file: where its region runs, and the size of its clusters there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import find_stack
from bluegrid_registry import ConfigError, Registry
from tests.support.regions import FILE

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "config:\n  bluegrid:kubeContext: {0}\n  bluegrid:namespace: {1}\n"


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(FILE.format("1" * 64, "d1"))
    (tmp_path / "Pulumi.broken.yaml").write_text("config: [")
    for name in ("east", "north"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(SETTINGS.format("grid", f"bluegrid-{name}"))
    return tmp_path


def replicas(stacks: Path, name: str) -> list[int]:
    (service,) = find_stack(stacks, name).offered(Registry.load(stacks / "registry")).values()
    return [cluster.now.replicas for cluster in service.clusters.values()]


def test_clusters_are_as_large_as_the_registry_says_unless_the_stack_says_otherwise(stacks: Path) -> None:
    with (stacks / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:sizeFactor: '2.5'\n  bluegrid:replicas: {line-loading-d2: 7}\n")
    assert replicas(stacks, "east") == [1, 1]
    assert replicas(stacks, "north") == [3, 7]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("sizeFactor: many", "bluegrid:sizeFactor: 'many' is not a number"),
        ("replicas: 3", "bluegrid:replicas: 3 is not a number of pods for each cluster"),
        ("replicas: '{'", "bluegrid:replicas: '{' is not a number of pods for each cluster"),
        ("replicas: {line-loading-d1: few}", "is not a number of pods for each cluster, such as"),
    ],
)
def test_sizes_that_are_none_are_refused_with_the_file(stacks: Path, line: str, fault: str) -> None:
    with (stacks / "Pulumi.north.yaml").open("a") as file:
        file.write(f"  bluegrid:{line}\n")
    with pytest.raises(ConfigError, match=rf"north.yaml: .*{re.escape(fault)}"):
        find_stack(stacks, "north")


def test_numbers_of_pods_may_be_json_as_pulumi_takes_it(stacks: Path) -> None:
    with (stacks / "Pulumi.north.yaml").open("a") as file:
        file.write("""  bluegrid:replicas: '{"line-loading-d2": 7}'\n""")
    assert replicas(stacks, "north") == [1, 7]


def test_a_number_of_pods_of_a_cluster_that_is_not_there_is_refused_with_the_file(stacks: Path) -> None:
    with (stacks / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:replicas: {line-loading-d9: 7}\n")
    with pytest.raises(ConfigError, match=r"north.yaml: bluegrid:replicas: line-loading-d9: no such cluster"):
        replicas(stacks, "north")
