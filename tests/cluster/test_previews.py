"""The report of a pull request on a real stack, from its real previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.trouble import Stack
    from tools.demo.workspace import Ran, Workspace


@pytest.fixture
def work(two_services: Stack) -> Workspace:
    return two_services.work


@pytest.fixture
def registry(work: Workspace) -> Iterator[Path]:
    """The registry's file, restored afterwards: previews change nothing else."""
    file = work.registry / "g1.yaml"
    before = file.read_text()
    yield file
    file.write_text(before)


def preview(work: Workspace, tmp_path: Path) -> str:
    ran = work.pulumi("preview", "--json", "--show-sames").require()
    file = tmp_path / "trouble.json"
    file.write_text(ran.output)
    return str(file)


def report(work: Workspace, preview: str) -> Ran:
    return work.bluegrid("preview", "report", preview).require()


def test_a_switch_is_told_with_what_the_new_version_changes(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    work.bluegrid("switch", "line-loading", "d2").require()
    text = report(work, preview(work, tmp_path)).output
    assert (
        "| trouble | line-loading | **switch** d1 (v1) → d2 (v2): 186 models changed, 0 added, 0 removed; "
        "unsigned: the set names no keys<br>d1 stays warm |"
    ) in text
    assert not any(line.startswith("> - ") for line in text.splitlines())
    assert "spec.rules[0].http.paths[0].backend.service.name" in text
    assert "1 update" in text


def test_a_preview_that_leaves_out_what_stays_is_refused(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    file = tmp_path / "trouble.json"
    file.write_text(work.pulumi("preview", "--json").require().output)
    refused = work.bluegrid("preview", "report", str(file))
    assert refused.exit_code == 1
    assert "unchanged resources; write it with `pulumi preview --json --show-sames" in refused.output


def test_a_registry_that_is_online_already_changes_nothing(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    assert "| trouble | | nothing changes; services: 2 |" in report(work, preview(work, tmp_path)).output


def test_what_all_clusters_share_is_told_of_the_region(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    settings = work.stack_file.read_text()
    work.pulumi("config", "set", "bluegrid:image", f"localhost/other@sha256:{'a' * 64}").require()
    work.pulumi("config", "set", "bluegrid:quotaPods", "2").require()
    try:
        file = preview(work, tmp_path)
    finally:
        work.stack_file.write_text(settings)
    text = report(work, file).output
    assert "| trouble | | create quota: pods 2<br>**image** of the whole stack: localhost/" in text
    assert "<br>preflights run again, then every pod is replaced, one by one |" in text
    refused = work.bluegrid("check", "--preview", file)
    assert refused.exit_code == 1
    assert "quota-suffices, mandatory" in refused.output


def test_a_removal_in_the_update_that_switches_is_the_first_thing_told(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    work.bluegrid("switch", "line-loading", "d2").require()
    work.bluegrid("cluster", "remove", "line-loading", "d1").require()
    file = preview(work, tmp_path)
    text = report(work, file).output
    assert "> - **trouble · line-loading**: d1 is removed in the update that switches away from it" in text
    assert text.index("[!WARNING]") < text.index("| region |")
    assert "delete d1 (v1): its Deployment, pods, Service and standing route" in text
    checked = work.bluegrid("check", "--preview", file)
    assert "warning:" in checked.output
    assert "ModelService line-loading: the switch leaves no standby" in checked.output


def test_hosts_of_standing_routes_are_in_no_preview_and_in_no_report(
    work: Workspace, registry: Path, tmp_path: Path
) -> None:
    work.bluegrid("cluster", "remove", "line-loading", "d2").require()
    file = preview(work, tmp_path)
    for text in (report(work, file).output, (tmp_path / "trouble.json").read_text()):
        assert ".standing.invalid" not in text
