"""Services and clusters are added, listed, shown and set by commands; no YAML is written by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import KeyAlgorithm, PrivateKey, Registry
from tests.support.operator import TEXT, output_of, refused

if TYPE_CHECKING:
    from pathlib import Path

NORTH = """\
config:
  bluegrid:kubeContext: north
  bluegrid:host: models.north.example
  bluegrid:tlsSecret: models
"""


def data(*arguments: str) -> Any:
    return json.loads(output_of(*arguments, "--json"))


@pytest.fixture
def offline(file: Path) -> Path:
    """The registry's file, without its service."""
    file.write_text(TEXT[: TEXT.index("service:")])
    return file


@pytest.fixture
def stack(file: Path, tmp_path: Path) -> Path:
    """A project with stack north."""
    (tmp_path / "Pulumi.yaml").write_text("{name: grid, runtime: python}")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.north.yaml").write_text(NORTH)
    return file


def test_a_set_is_put_online_by_one_command(offline: Path) -> None:
    before = offline.read_text()
    limits = ("--replicas", "2", "--cpu", "1", "--memory", "1Gi")
    added = output_of("service", "add", "loads", "--set", "g1", "--cluster", "d1", "--version", "v1", *limits)
    assert added.startswith("loads: is online in YAML, d1 serves v1 of set g1; apply it with `pulumi up`")
    assert offline.read_text() == before + (
        "service:\n"
        "  name: loads\n"
        "  live: d1\n"
        "  clusters:\n"
        "    - {id: d1, version: v1, replicas: 2, cpu: 1, gpu: 0, memory: 1Gi}\n"
    )


def test_a_service_is_added_with_keys_that_have_no_option(offline: Path) -> None:
    output_of(
        "service", "add", "loads", "--set", "g1", "--version", "v1", "regions=north", "standbyReplicas=0"
    )
    service = Registry.load(offline.parent).service("loads")
    assert (service.regions, service.standby_replicas, service.live) == (("north",), 0, "d1")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--set", "g9", "--version", "v1"), "no set g9; declared: g1"),
        (("--set", "g1", "--version", "v9"), "v9 is not a version of this set; declared: v1, v2"),
        (("--set", "g1", "--version", "v1", "--memory", "1GB"), "'1GB' is not a Kubernetes quantity"),
        (("--set", "g1", "--version", "v1", "region=north"), "there is no key region; known: name, live"),
    ],
)
def test_a_service_that_cannot_be_is_refused(arguments: tuple[str, ...], fault: str, offline: Path) -> None:
    before = offline.read_text()
    assert fault in refused("service", "add", "loads", *arguments)
    assert offline.read_text() == before


def test_a_set_has_one_service(file: Path) -> None:
    fault = refused("service", "add", "other", "--set", "g1", "--version", "v1")
    assert "registry/g1.yaml: set g1 has service line-loading already" in fault


def test_services_are_listed_with_their_url(stack: Path) -> None:
    (row,) = data("service", "list")
    assert row == {
        "service": "line-loading",
        "set": "g1",
        "live": "d1",
        "clusters": ["d1", "d2"],
        "regions": ["north", "east"],
        "url": "https://models.north.example/modelService/line-loading",
    }
    head, first = output_of("service", "list").splitlines()
    assert head.split() == ["SERVICE", "SET", "LIVE", "CLUSTERS", "REGIONS", "URL"]
    assert first.endswith("d1, d2    north, east  https://models.north.example/modelService/line-loading")


def test_a_stack_s_services_are_those_of_its_region(stack: Path) -> None:
    stack.write_text(TEXT.replace("live: d1", "live: {default: d1, north: d2}"))
    assert [row["live"] for row in data("service", "list")] == [{"default": "d1", "north": "d2"}]
    assert "default d1, north d2" in output_of("service", "list")
    assert [row["live"] for row in data("service", "list", "--stack", "north")] == ["d2"]
    stack.write_text(TEXT.replace("regions: [north, east]", "regions: [east]"))
    assert data("service", "list", "--stack", "north") == []


def test_a_url_without_a_stack_is_a_path(file: Path) -> None:
    assert [row["url"] for row in data("service", "list")] == ["/modelService/line-loading"]


def test_a_service_is_shown_with_its_clusters(stack: Path) -> None:
    lines = output_of("service", "show", "line-loading").splitlines()
    assert lines[0] == "service: line-loading"
    assert "url: https://models.north.example/modelService/line-loading" in lines
    assert lines[-2:] == ["cluster d1: version v1, 2 replicas", "cluster d2: version v2, 1 replica"]
    shown = data("service", "show", "line-loading")
    assert [row["id"] for row in shown["clusters"]] == ["d1", "d2"]
    assert shown["standbyReplicas"] is None
    assert refused("service", "show", "loads") == "no service loads; declared: line-loading"


def test_keys_of_a_service_are_set_and_removed(file: Path) -> None:
    assert output_of("service", "set", "line-loading", "standbyReplicas=0", "regions-") == (
        "line-loading: standbyReplicas - -> 0, regions north, east -> -; apply it with `pulumi up`\n"
    )
    assert file.read_text() == TEXT.replace("  regions: [north, east]\n", "  standbyReplicas: 0\n")
    assert refused("service", "set", "line-loading", "live=d2") == (
        "live is not set by its key; use bluegrid switch line-loading <cluster>"
    )


def test_a_region_without_a_stack_is_refused(stack: Path) -> None:
    fault = refused("service", "set", "line-loading", "regions=north,esat")
    assert fault.startswith("esat is not a region; there are north; correct the name, or add a stack")
    assert stack.read_text() == TEXT
    stack.write_text(TEXT[: TEXT.index("service:")])
    added = ("service", "add", "loads", "--set", "g1", "--version", "v1")
    assert refused(*added, "regions=esat").startswith("esat is not a region")
    output_of(*added, "regions=north")


def test_clusters_are_listed_and_shown_with_every_key(file: Path) -> None:
    rows = data("cluster", "list")
    assert [(row["cluster"], row["version"], row["live"], row["pods"]) for row in rows] == [
        ("d1", "v1", True, "2"),
        ("d2", "v2", False, "1"),
    ]
    assert data("cluster", "list", "line-loading") == rows
    assert refused("cluster", "list", "loads") == "no service loads; declared: line-loading"
    shown = output_of("cluster", "show", "line-loading", "d1").splitlines()
    assert {"live: yes", "replicas: 2", "load: eager", "timeoutSeconds: 4", "autoscaling: -"} <= {*shown}
    assert data("cluster", "show", "line-loading", "d1")["memory"] == "2Gi"


def test_a_cluster_that_is_live_in_some_regions_is_shown_with_them(file: Path) -> None:
    file.write_text(TEXT.replace("live: d1", "live: {default: d1, north: d2}"))
    assert [row["live"] for row in data("cluster", "list")] == [["default"], ["north"]]


def test_keys_of_a_cluster_are_set_in_one_line(file: Path) -> None:
    edits = ("replicas-", "autoscaling.min=1", "autoscaling.max=4", "autoscaling.cpu=70", "load=lazy")
    assert output_of("cluster", "set", "line-loading", "d1", *edits) == (
        "line-loading d1: replicas 2 -> 1, autoscaling.min - -> 1, autoscaling.max - -> 4, "
        "autoscaling.cpu - -> 70, load eager -> lazy; apply it with `pulumi up`\n"
    )
    autoscaling = "autoscaling: {min: 1, max: 4, cpu: 70}"
    assert file.read_text() == TEXT.replace(
        "replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}",
        f"cpu: 2, gpu: 0, memory: 2Gi, {autoscaling}, load: lazy}}",
    )
    assert "autoscaling.max: 4" in output_of("cluster", "show", "line-loading", "d1").splitlines()


def test_a_value_that_the_schema_refuses_is_refused_with_its_line(file: Path) -> None:
    fault = refused("cluster", "set", "line-loading", "d1", "timeoutSeconds=0")
    assert fault == "registry/g1.yaml:10: service.clusters[0].timeoutSeconds: 0 is below 1"
    assert "there is no key timeout; known: id, version" in refused(
        "cluster", "set", "line-loading", "d1", "timeout=3"
    )
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (("cluster", "set", "line-loading", "d2", "load=lazy"), "+      load: lazy"),
        (("service", "set", "line-loading", "regions=north"), "+  regions: [north]"),
        (("set", "edit", "g1", "accelerate=onnx"), "accelerate: onnx}"),
        (("set", "edit", "g1", "accelerate=none"), "accelerate: none}"),
    ],
)
def test_a_dry_run_of_keys_shows_the_edit_and_writes_nothing(
    command: tuple[str, ...], line: str, file: Path
) -> None:
    shown = output_of(*command, "--dry-run")
    assert line in shown
    assert file.read_text() == TEXT


def test_keys_and_names_of_a_set_are_trusted_and_trusted_no_longer(file: Path, tmp_path: Path) -> None:
    PrivateKey.generate(KeyAlgorithm.ED25519).write(tmp_path / "ops.pem")
    output_of("set", "edit", "g1", "--trust", "own.Scaler", "--trust-key", f"ops-2026={tmp_path}/ops.pem.pub")
    shown = data("set", "show", "g1")["set"]
    assert (shown["trust"], [key["id"] for key in shown["keys"]]) == (["own.Scaler"], ["ops-2026"])
    output_of("set", "edit", "g1", "--distrust", "own.Scaler", "--distrust-key", "ops-2026")
    assert file.read_text() == TEXT
    assert "set g1 has no key ops-2026; declared: none" in refused(
        "set", "edit", "g1", "--distrust-key", "ops-2026"
    )
    (tmp_path / "not.pub").write_text("no key")
    fault = refused("set", "edit", "g1", "--trust-key", f"ops={tmp_path}/not.pub")
    assert fault.startswith(f"key {tmp_path}/not.pub: is not a public key in PEM")


def test_keys_of_a_set_are_set_by_their_paths(file: Path) -> None:
    output_of("set", "edit", "g1", "update.rollout.to=standby", "outputs=y,std", "--name", "Line load")
    declared = Registry.load(file.parent).of_set("g1").set
    assert declared.update is not None
    assert (declared.update.rollout.to, declared.outputs, declared.name) == (
        "standby",
        ("y", "std"),
        "Line load",
    )
    assert "update.schedule.when: is missing" in refused(
        "set", "edit", "g1", "update.schedule.jitterSeconds=3"
    )
    assert "nothing to change" in output_of("set", "edit", "g1", "outputs=y,std")
