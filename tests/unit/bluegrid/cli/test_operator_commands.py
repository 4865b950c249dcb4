"""The operator's commands that change YAML: they ask first, show their changes, and keep comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.operator import TEXT, bluegrid, output_of, pulumi_that, refused, stack_file

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("file")

UPDATES = (
    ("cluster", "scale", "line-loading", "d1", "4"),
    ("switch", "line-loading", "d2"),
    ("service", "traffic", "line-loading", "d1=90", "d2=10"),
)


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide a `pulumi` that is never run."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").touch(mode=0o700)
    stack_file(tmp_path, "north")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")


def test_scaling_changes_one_number(file: Path) -> None:
    assert output_of("cluster", "scale", "line-loading", "d1", "4") == (
        "line-loading d1: replicas 2 -> 4; apply it with `pulumi up`\n"
    )
    assert file.read_text() == TEXT.replace("replicas: 2", "replicas: 4")


def test_what_yaml_left_to_the_default_is_written_below_the_rest(file: Path) -> None:
    output_of("cluster", "scale", "line-loading", "d2", "3")
    assert file.read_text() == TEXT.replace("      memory: 2Gi\n", "      memory: 2Gi\n      replicas: 3\n")


def test_the_live_cluster_keeps_a_pod(file: Path) -> None:
    assert "d1 is the live cluster of line-loading" in refused("cluster", "scale", "line-loading", "d1", "0")
    output_of("service", "traffic", "line-loading", "d1=90", "d2=10")
    assert "d2 has a share of the traffic of line-loading" in refused(
        "cluster", "scale", "line-loading", "d2", "0"
    )
    output_of("switch", "line-loading", "d1")
    output_of("cluster", "scale", "line-loading", "d2", "0")


def test_resources_change_what_was_named_and_nothing_else(file: Path) -> None:
    assert "cpu 2 -> 4, memory 2Gi -> 4Gi" in output_of(
        "cluster", "resize", "line-loading", "d1", "--cpu", "4", "--memory", "4Gi"
    )
    assert file.read_text() == TEXT.replace(
        "cpu: 2, gpu: 0, memory: 2Gi}  # big", "cpu: 4, gpu: 0, memory: 4Gi}  # big"
    )
    assert bluegrid("cluster", "resize", "line-loading", "d1").exit_code == 2


def test_an_amount_that_is_none_is_refused_with_its_line(file: Path) -> None:
    assert "registry/g1.yaml:10: service.clusters[0].memory" in refused(
        "cluster", "resize", "line-loading", "d1", "--memory", "4GB"
    )
    assert file.read_text() == TEXT


def test_stopping_takes_the_clusters_entry_out_and_refuses_the_live_one(file: Path) -> None:
    output_of("cluster", "remove", "line-loading", "d2", "--yes")
    start, end = TEXT.index("    - id: d2"), TEXT.index("  regions")
    assert file.read_text() == TEXT[:start] + TEXT[end:]
    assert "d1 is the live cluster of line-loading" in refused(
        "cluster", "remove", "line-loading", "d1", "--yes"
    )


def test_deleting_takes_the_service_out_and_keeps_the_versions(file: Path) -> None:
    assert output_of("service", "remove", "line-loading", "--yes") == (
        "line-loading: is out, with its clusters d1, d2; apply it with "
        "`BLUEGRID_ALLOW_DELETE=line-loading pulumi up`\n"
    )
    assert file.read_text() == TEXT[: TEXT.index("service:")]


@pytest.mark.usefixtures("pulumi")
@pytest.mark.parametrize(
    "command",
    [
        ("cluster", "remove", "line-loading", "d2", "--up", "--stack", "north"),
        ("service", "remove", "line-loading"),
        ("cluster", "scale", "line-loading", "d1", "4", "--up", "--stack", "north"),
    ],
)
def test_what_would_ask_is_refused_where_nobody_can_answer(command: tuple[str, ...], file: Path) -> None:
    assert "there is no terminal: add --yes" in refused(*command)
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (("switch", "line-loading", "d2"), "+  live: d2  # the only word that a switch changes"),
        (("service", "traffic", "line-loading", "d1=90", "d2=10"), "+  traffic: {d1: 90, d2: 10}"),
        (("cluster", "scale", "line-loading", "d1", "9"), "replicas: 9"),
        (("cluster", "remove", "line-loading", "d2"), "-    - id: d2  # stands by"),
        (("service", "remove", "line-loading"), "-service:"),
    ],
)
def test_a_dry_run_shows_the_edit_and_writes_nothing(command: tuple[str, ...], line: str, file: Path) -> None:
    shown = output_of(*command, "--dry-run")
    assert line in shown
    assert "--- registry/g1.yaml" in shown
    assert file.read_text() == TEXT


def test_a_switch_to_what_is_live_says_so_and_writes_nothing(file: Path) -> None:
    assert "d1 is live already in registry" in output_of("switch", "line-loading", "d1")
    assert file.read_text() == TEXT


def test_a_dry_run_of_what_is_refused_is_refused(file: Path) -> None:
    assert "d1 is the live cluster" in refused("cluster", "remove", "line-loading", "d1", "--dry-run")


@pytest.mark.usefixtures("pulumi")
def test_a_stack_that_is_not_there_is_refused_with_those_that_are(file: Path) -> None:
    command = "switch", "line-loading", "d2", "--dry-run", "--stack", "nroth"
    assert refused(*command) == "there is no stack nroth in stacks; declared: north"


def test_up_without_pulumi_is_refused_before_anything_is_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path, "north")
    monkeypatch.setenv("PATH", "/nowhere")
    for command in UPDATES:
        assert "pulumi is not on PATH" in refused(*command, "--up", "--stack", "north")
    assert file.read_text() == TEXT


def test_up_outside_of_a_project_is_refused_before_anything_is_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that("exit 0", tmp_path, monkeypatch)
    (tmp_path / "Pulumi.yaml").unlink()
    for command in UPDATES:
        assert "is in no project" in refused(*command, "--up", "--stack", "north")
    assert file.read_text() == TEXT


def test_up_without_a_stack_is_refused_before_anything_is_written(file: Path) -> None:
    for command in UPDATES:
        assert "no stack is named; name one with --stack" in refused(*command, "--up")
    assert file.read_text() == TEXT


@pytest.mark.parametrize("cluster", ["d1", "d2"])
def test_a_region_that_the_service_is_not_in_is_never_switched(cluster: str, file: Path) -> None:
    assert "south is not a region of line-loading; declared: north, east" in refused(
        "switch", "line-loading", cluster, "--region", "south"
    )
    assert file.read_text() == TEXT


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.north.yaml").write_text("config:\n  bluegrid:kubeContext: north\n")
    (folder / "Pulumi.e1.yaml").write_text("config:\n  bluegrid:region: east\n")
    return folder


@pytest.mark.usefixtures("stacks")
@pytest.mark.parametrize(
    "command",
    [
        ("switch", "line-loading", "d2"),
        ("rollback", "line-loading"),
        ("service", "traffic", "line-loading", "d1=90", "d2=10"),
    ],
)
def test_a_region_that_no_stack_has_is_refused(command: tuple[str, ...], file: Path) -> None:
    file.write_text(TEXT.replace("  regions: [north, east]\n", ""))
    assert refused(*command, "--region", "nroth").startswith(
        "nroth is not a region; there are east, north; correct the name, or add a stack: "
    )
    assert "nroth" not in file.read_text()


def test_a_region_is_one_of_the_stack_s_file_that_is_named(file: Path, stacks: Path, tmp_path: Path) -> None:
    file.write_text(TEXT.replace("  regions: [north, east]\n", ""))
    output_of("switch", "line-loading", "d2", "--region", "east")
    own = tmp_path / "own" / "Pulumi.west.yaml"
    own.parent.mkdir()
    (stacks / "Pulumi.north.yaml").rename(own)
    output_of("switch", "line-loading", "d2", "--region", "west", "--config-file", str(own))
    # These are all regions that have a stack.
    assert "live: d2 " in file.read_text()


@pytest.mark.usefixtures("stacks")
def test_a_registry_that_names_a_region_which_no_stack_has_is_refused(file: Path) -> None:
    assert "no mistakes" in output_of("check")
    file.write_text(TEXT.replace("[north, east]", "[north, west]"))
    assert "west is not a region" in refused("check")
    assert "no mistakes" in output_of("check", "--stacks", "nowhere")
