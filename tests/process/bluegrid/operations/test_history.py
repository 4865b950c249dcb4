"""Earlier live clusters, and the authors of changes, from a real git repository."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import changes_of, live_before
from bluegrid_registry import Cluster, ConfigError, Registry, RegistryError, Service
from bluegrid_registry.registry_files.edits.live import switch
from bluegrid_registry.registry_files.edits.services import add_cluster, change_cluster, remove_cluster

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
TEXT = f"""\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "{DIGEST}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "{DIGEST}", updated: 2026-11-23T08:00:00Z}}
  - {{id: v3, manifest: "{DIGEST}", updated: 2026-11-24T08:00:00Z}}
service:
  name: line-loading
  live: d1
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
    - {{id: d2, version: v2, cpu: 2, memory: 2Gi}}
"""


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def commit(folder: Path, subject: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry in a repository's folder, with one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "g1.yaml").write_text(TEXT)
    commit(folder, "line-loading goes online")
    return folder


def service(folder: Path) -> Service:
    found = Registry.load(folder).of_service("line-loading").service
    assert found is not None
    return found


def before(folder: Path, region: str | None = None) -> str:
    return live_before(folder / "g1.yaml", service(folder), region).cluster


def message(folder: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.commit.subject, each.changes) for each in changes_of("line-loading", folder / "g1.yaml")]


def test_what_was_live_before_is_told_with_the_commit_that_switched_away(folder: Path) -> None:
    switch(folder, "line-loading", "d2")
    commit(folder, "d2 goes live")
    change_cluster(folder, "line-loading", "d1", replicas=1)
    commit(folder, "d1 shrinks")
    found = live_before(folder / "g1.yaml", service(folder), None)
    assert found.cluster == "d1"
    assert (found.until.author, found.until.subject) == ("Ada", "d2 goes live")


def test_a_switch_that_is_not_committed_counts(folder: Path) -> None:
    switch(folder, "line-loading", "d2")
    found = live_before(folder / "g1.yaml", service(folder), None)
    assert (found.cluster, str(found.until)) == ("d1", "an edit that is not committed")


def test_regions_go_back_by_themselves(folder: Path) -> None:
    switch(folder, "line-loading", "d2", region="north")
    commit(folder, "d2 goes live in the north")
    assert before(folder, "north") == "d1"
    with pytest.raises(RegistryError, match="no other cluster than d1 was live"):
        before(folder, "south")
    with pytest.raises(RegistryError, match=r"is live by region: name one of default \(d1\), north \(d2\)"):
        before(folder)


def test_a_cluster_that_is_declared_no_more_is_refused_and_no_older_one_is_guessed(folder: Path) -> None:
    add_cluster(folder, "line-loading", Cluster(id="d3", version="v3", cpu="2", memory="2Gi"))
    for cluster in ("d2", "d3"):
        switch(folder, "line-loading", cluster)
        commit(folder, f"{cluster} goes live")
    remove_cluster(folder, "line-loading", "d2")
    with pytest.raises(RegistryError, match=r"d2 was live until .* and is declared no more; .*: d1, d3"):
        before(folder)


def test_a_service_that_was_always_live_alike_is_refused(folder: Path) -> None:
    with pytest.raises(RegistryError, match="no other cluster than d1 was live; name it: bluegrid switch"):
        before(folder)


def test_a_registry_that_is_in_no_repository_has_no_history(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(TEXT)
    with pytest.raises(ConfigError, match=r"g1.yaml: has no history: not a git repository"):
        before(tmp_path)


def test_history_tells_each_commit_that_changed_the_service_and_by_how_much(folder: Path) -> None:
    change_cluster(folder, "line-loading", "d1", replicas=4, memory="4Gi")
    commit(folder, "more room")
    switch(folder, "line-loading", "d2")
    remove_cluster(folder, "line-loading", "d1")
    commit(folder, "d2 alone")
    (folder / "g1.yaml").write_text("# a remark\n" + (folder / "g1.yaml").read_text())
    commit(folder, "a remark")
    change_cluster(folder, "line-loading", "d2", version="v3")
    assert message(folder) == [
        ("", ("d2 version: v2 -> v3",)),
        ("d2 alone", ("live: d1 -> d2", "d1 removed: version v1, replicas 4")),
        ("more room", ("d1 replicas: 2 -> 4", "d1 memory: 2Gi -> 4Gi")),
        (
            "line-loading goes online",
            (
                "live: none -> d1",
                "d1 added: version v1, replicas 2",
                "d2 added: version v2, replicas 1",
            ),
        ),
    ]


def test_a_file_that_could_not_be_read_once_does_not_end_the_history(folder: Path) -> None:
    good = (folder / "g1.yaml").read_text()
    for text, subject in (("service: [", "broken"), ("service: 7\n", "odd"), (good, "mended")):
        (folder / "g1.yaml").write_text(text)
        commit(folder, subject)
    assert message(folder)[-1][0] == "line-loading goes online"


def test_a_file_that_was_deleted_and_came_back_keeps_its_history(folder: Path) -> None:
    text = (folder / "g1.yaml").read_text()
    (folder / "g1.yaml").unlink()
    commit(folder, "offline")
    (folder / "g1.yaml").write_text(text)
    commit(folder, "online again")
    assert [subject for subject, _ in message(folder)] == [
        "online again",
        "offline",
        "line-loading goes online",
    ]


def test_a_merged_branch_is_one_change(folder: Path) -> None:
    git(folder, "switch", "--quiet", "--create", "work")
    for replicas in (3, 4):
        change_cluster(folder, "line-loading", "d1", replicas=replicas)
        commit(folder, f"{replicas} pods")
    git(folder, "switch", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "work", "--message", "merge")
    assert message(folder)[0] == ("merge", ("d1 replicas: 2 -> 4",))
