"""Where a command works: the stack's file says it, an option says otherwise, and a write is never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bluegrid.project import Place, Project, registry_of, resolve_place
from bluegrid_registry import ConfigError, Registry
from tests.support.regions import FILE

NORTH = """\
config:
  bluegrid:kubeContext: grid
  bluegrid:namespace: bluegrid-north
  bluegrid:kubeconfig: /etc/grid/kubeconfig
  bluegrid:store: s3://north/models
  bluegrid:routeAddress: http://models.north.example
"""
EAST = """\
config:
  bluegrid:region: far-east
  bluegrid:kubeContext: grid
  bluegrid:namespace: bluegrid-east
  bluegrid:store: {secure: AAAB}
"""


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("{name: grid, runtime: python}")
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.north.yaml").write_text(NORTH)
    return folder


@pytest.fixture
def two_stacks(stacks: Path) -> Path:
    (stacks / "Pulumi.east.yaml").write_text(EAST)
    return stacks


def test_a_stack_says_all_of_it_once(stacks: Path) -> None:
    place = resolve_place(stacks, "north")
    assert (place.stack, place.file, place.region) == ("north", stacks / "Pulumi.north.yaml", "north")
    assert (place.context, place.namespace, str(place.kubeconfig)) == (
        "grid",
        "bluegrid-north",
        "/etc/grid/kubeconfig",
    )
    assert (place.store, place.route_address) == ("s3://north/models", "http://models.north.example")


def test_a_region_may_have_another_name_than_its_stack(two_stacks: Path) -> None:
    assert resolve_place(two_stacks, "east").region == "far-east"


def test_each_option_replaces_its_own_setting_only(stacks: Path) -> None:
    options: dict[str, Any] = {
        "context": "other",
        "kubeconfig": Path("other"),
        "namespace": "mine",
        "region": "south",
        "store": "file:///copy",
        "route_address": "http://127.0.0.1",
    }
    before = resolve_place(stacks, "north")
    for option, value in options.items():
        after = resolve_place(stacks, "north", **{option: value})
        changed = {name for name in vars(after) if getattr(after, name) != getattr(before, name)}
        assert changed == {option}
        assert getattr(after, option) == value


def test_a_file_elsewhere_may_be_named(two_stacks: Path, tmp_path: Path) -> None:
    other = tmp_path / "settings.yaml"
    other.write_text("config: {bluegrid:kubeContext: there}")
    place = resolve_place(two_stacks, "north", config_file=other)
    assert (place.stack, place.region, place.context, place.file) == ("north", "north", "there", other)


def test_what_only_reads_works_in_the_only_stack(stacks: Path) -> None:
    assert resolve_place(stacks, None, only_reads=True) == resolve_place(stacks, "north")


def test_a_write_is_never_guessed(stacks: Path) -> None:
    place = resolve_place(stacks, None)
    assert (place.stack, place.context, place.store) == (None, None, None)
    for required in ("required_stack", "required_context", "required_store"):
        with pytest.raises(ConfigError, match=r"name one with --stack \(declared: north\)"):
            getattr(place, required)


def test_outside_of_a_project_the_missing_project_is_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"with --stack, in the folder of a project \(no stack is declared in"
    ):
        _ = resolve_place(tmp_path / "stacks", None).required_context


def test_of_several_stacks_none_is_guessed_for_a_read(two_stacks: Path) -> None:
    place = resolve_place(two_stacks, None, only_reads=True)
    assert place.stack is None
    with pytest.raises(
        ConfigError, match=r"no stack .* \(declared: east, north\), or name it with --context"
    ):
        _ = place.required_context


def test_a_read_of_a_namespace_is_of_the_stack_that_runs_there(two_stacks: Path) -> None:
    def stack(**options: str) -> str | None:
        return resolve_place(two_stacks, None, only_reads=True, **options).stack  # type: ignore[arg-type]

    assert stack(context="grid", namespace="bluegrid-east") == "east"
    assert stack(namespace="bluegrid-north") == "north"
    assert stack(context="elsewhere") is None
    (two_stacks / "Pulumi.broken.yaml").write_text("config: [")
    assert stack(namespace="bluegrid-north") == "north"


def test_a_context_of_several_stacks_is_not_enough(two_stacks: Path) -> None:
    with pytest.raises(ConfigError, match="east, north run in context grid; name one with --stack"):
        resolve_place(two_stacks, None, context="grid", only_reads=True)


def test_a_stack_that_is_not_there_is_refused_with_those_that_are(two_stacks: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no stack nroth in .*; declared: east, north"):
        resolve_place(two_stacks, "nroth")


def test_a_setting_that_is_missing_or_encrypted_is_refused_with_its_file(two_stacks: Path) -> None:
    east = resolve_place(two_stacks, "east")
    with pytest.raises(ConfigError, match=r"Pulumi.east.yaml: bluegrid:store is not set; .* --store"):
        _ = east.required_store
    (two_stacks / "Pulumi.east.yaml").write_text("config: {}\n")
    with pytest.raises(ConfigError, match=r"Pulumi.east.yaml: bluegrid:kubeContext is not set; .* --context"):
        _ = resolve_place(two_stacks, "east").required_context


def test_the_registry_of_a_stack_is_named_from_the_projects_folder(two_stacks: Path) -> None:
    project = Project.find(two_stacks)
    assert registry_of(project, two_stacks, "north") == project.folder / "registry"
    with (two_stacks / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:registry: models/registry\n")
    assert registry_of(project, two_stacks, "north") == project.folder / "models" / "registry"


def test_without_a_stack_the_registry_is_the_one_that_all_have(two_stacks: Path) -> None:
    project = Project.find(two_stacks)
    for name in ("east", "north"):
        # Until they agree, none of them is taken.
        assert registry_of(project, two_stacks, None) == project.folder / "registry"
        with (two_stacks / f"Pulumi.{name}.yaml").open("a") as file:
            file.write("  bluegrid:registry: common\n")
    assert registry_of(project, two_stacks, None) == project.folder / "common"


def offered(place: Place, tmp_path: Path, live: str = "d1") -> list[int]:
    (tmp_path / "registry").mkdir(exist_ok=True)
    (tmp_path / "registry" / "g1.yaml").write_text(FILE.format("1" * 64, live))
    (service,) = place.offered(Registry.load(tmp_path / "registry")).values()
    return [cluster.now.replicas for cluster in service.clusters.values()]


def test_clusters_are_as_large_as_the_stack_says(stacks: Path, tmp_path: Path) -> None:
    with (stacks / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:replicas: {line-loading-d2: 7}\n")
    assert offered(resolve_place(stacks, "north"), tmp_path) == [1, 7]
    assert offered(resolve_place(stacks, None, context="x"), tmp_path) == [1, 1]


def test_services_that_differ_by_region_need_one(two_stacks: Path, tmp_path: Path) -> None:
    nowhere = resolve_place(two_stacks, None)
    with pytest.raises(ConfigError, match=r"line-loading: differ by region; name one with --stack"):
        offered(nowhere, tmp_path, live="{default: d1, north: d2}")


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ("", None),
        ("  bluegrid:routeAddress: http://10.0.0.1:8080/\n", "http://10.0.0.1:8080"),
        ("  bluegrid:host: a.example\n", "http://a.example"),
        ("  bluegrid:host: a.example\n  bluegrid:tlsSecret: cert\n", "https://a.example"),
        ("  bluegrid:host: a.example\n  bluegrid:routeAddress: https://10.0.0.1\n", "https://a.example"),
    ],
)
def test_a_url_has_the_stack_s_host_or_the_address_of_its_routes(
    settings: str, origin: str | None, stacks: Path
) -> None:
    (stacks / "Pulumi.north.yaml").write_text(f"config:\n  bluegrid:kubeContext: grid\n{settings}")
    place = resolve_place(stacks, "north")
    assert place.origin == origin
    assert place.url_of("loads") == f"{origin or ''}/modelService/loads"
