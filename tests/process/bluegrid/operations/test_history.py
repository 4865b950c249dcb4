"""Earlier live clusters, and the authors of changes, from a real git repository."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import EarlierLive, changes_of, live_at, live_before
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
    assert found.version == "v1"
    assert found.when.startswith("until ")
    assert found.when.endswith(" by Ada: d2 goes live")


def test_a_switch_that_is_not_committed_counts(folder: Path) -> None:
    switch(folder, "line-loading", "d2")
    found = live_before(folder / "g1.yaml", service(folder), None)
    assert (found.cluster, found.when) == ("d1", "until an edit that is not committed")


def test_regions_go_back_by_themselves(folder: Path) -> None:
    switch(folder, "line-loading", "d2", region="north")
    commit(folder, "d2 goes live in the north")
    assert before(folder, "north") == "d1"
    with pytest.raises(RegistryError, match="no other cluster than d1 was live"):
        before(folder, "south")
    with pytest.raises(
        RegistryError, match=r"is live by region: default \(d1\), north \(d2\); name one, or all"
    ):
        before(folder)


def test_all_regions_go_back_together_if_the_same_cluster_was_live(folder: Path) -> None:
    for region in ("north", "south"):
        switch(folder, "line-loading", "d2", region=region)
    commit(folder, "d2 goes live in the north and the south")
    switch(folder, "line-loading", "d2", region="default")
    commit(folder, "d2 goes live")
    assert service(folder).live == {"default": "d2", "north": "d2", "south": "d2"}
    assert before(folder) == "d1"
    switch(folder, "line-loading", "d1", region="south")
    commit(folder, "the south goes back")
    with pytest.raises(RegistryError, match=r"other clusters were live by region: .*; name one, or all"):
        live_before(folder / "g1.yaml", service(folder), None, everywhere=True)


def test_the_history_of_a_region_has_only_what_was_live_there(folder: Path) -> None:
    switch(folder, "line-loading", "d2", region="north")
    commit(folder, "d2 in the north")
    switch(folder, "line-loading", "d2", region="south")
    commit(folder, "d2 in the south")
    switch(folder, "line-loading", "d1", everywhere=True)
    commit(folder, "d1")
    found = changes_of("line-loading", folder / "g1.yaml", "south")
    assert [(each.commit.subject, each.changes[0]) for each in found] == [
        ("d1", "live: d2 -> d1"),
        ("d2 in the south", "live: d1 -> d2"),
        ("line-loading goes online", "live: none -> d1"),
    ]


def at(folder: Path, to: str, region: str | None = None) -> EarlierLive:
    return live_at(folder / "g1.yaml", service(folder), region, to)


@pytest.fixture
def three_switches(folder: Path) -> Path:
    """d1, d2, d1, d3: tags `first` to `fourth`."""
    add_cluster(folder, "line-loading", Cluster(id="d3", version="v3", cpu="2", memory="2Gi"))
    for name, cluster in {"first": "d1", "second": "d2", "third": "d1", "fourth": "d3"}.items():
        switch(folder, "line-loading", cluster)
        commit(folder, f"{cluster} is live")
        git(folder, "tag", name)
    return folder


def test_a_cluster_that_was_live_before_is_found_with_its_last_end(three_switches: Path) -> None:
    found = at(three_switches, "d1")
    assert (found.cluster, found.version) == ("d1", "v1")
    assert found.when.endswith("d3 is live")
    assert at(three_switches, "d2").when.endswith("d1 is live")


def test_a_cluster_that_is_live_now_is_no_mistake(three_switches: Path) -> None:
    assert at(three_switches, "d3").cluster == "d3"


def test_a_commit_says_which_cluster_was_live(three_switches: Path) -> None:
    for name, cluster in {"first": "d1", "second": "d2", "HEAD~1": "d1"}.items():
        found = at(three_switches, name)
        assert found.cluster == cluster
        assert found.when.endswith(f"by Ada: {cluster} is live")


def test_a_commit_that_changed_other_files_says_so_too(three_switches: Path) -> None:
    git(three_switches, "checkout", "--quiet", "second")
    (three_switches.parent / "notes").write_text("none")
    commit(three_switches, "notes")
    git(three_switches, "tag", "notes")
    git(three_switches, "checkout", "--quiet", "main")
    assert at(three_switches, "notes").cluster == "d2"


def test_a_cluster_that_was_never_live_is_refused(folder: Path) -> None:
    with pytest.raises(
        RegistryError, match=r"d2 was not live before; to make it live: bluegrid switch line-"
    ):
        at(folder, "d2")


@pytest.mark.parametrize("to", ["d9", "feedbee", "--help", ""])
def test_what_is_neither_a_cluster_nor_a_commit_is_refused(folder: Path, to: str) -> None:
    with pytest.raises(
        RegistryError, match=r"is neither a cluster of line-loading \(declared: d1, d2\) nor a"
    ):
        at(folder, to)


def test_a_commit_whose_version_is_served_by_another_cluster_now_names_that_one(three_switches: Path) -> None:
    remove_cluster(three_switches, "line-loading", "d2")
    change_cluster(three_switches, "line-loading", "d1", version="v2")
    add_cluster(three_switches, "line-loading", Cluster(id="d4", version="v1", cpu="2", memory="2Gi"))
    with pytest.raises(
        RegistryError, match=r"at .* d1 was live with v1, and serves v2 now; d4 serves v1: .* d4$"
    ):
        at(three_switches, "third")
    remove_cluster(three_switches, "line-loading", "d4")
    with pytest.raises(RegistryError, match=r"serves v2 now; declare v1 again: bluegrid cluster add .*"):
        at(three_switches, "third")


def test_a_commit_before_the_service_is_refused(folder: Path) -> None:
    text = (folder / "g1.yaml").read_text()
    (folder / "g1.yaml").unlink()
    commit(folder, "offline")
    (folder / "g1.yaml").write_text(text)
    commit(folder, "online")
    with pytest.raises(
        RegistryError, match=r"line-loading was not online at .*: offline; see `bluegrid hist"
    ):
        at(folder, "HEAD~1")


def test_a_commit_in_which_regions_differed_needs_one(folder: Path) -> None:
    switch(folder, "line-loading", "d2", region="north")
    commit(folder, "d2 in the north")
    switch(folder, "line-loading", "d1", everywhere=True)
    commit(folder, "d1")
    with pytest.raises(RegistryError, match=r"is live by region: default \(d1\), north \(d2\); name one"):
        at(folder, "HEAD~1")
    assert at(folder, "HEAD~1", "north").cluster == "d2"


def test_without_a_repository_a_commit_is_refused_for_that_reason(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(TEXT)
    with pytest.raises(ConfigError, match=r"g1.yaml: has no history: not a git repository"):
        at(tmp_path, "HEAD")


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


def test_git_is_read_no_further_than_the_history_is(folder: Path) -> None:
    oldest = subprocess.check_output(["git", "-C", folder, "rev-parse", "HEAD"], text=True).strip()
    for cluster in ("d2", "d1", "d2"):
        switch(folder, "line-loading", cluster)
        commit(folder, f"{cluster} goes live")
    (folder.parent / ".git" / "objects" / oldest[:2] / oldest[2:]).unlink()
    changes = changes_of("line-loading", folder / "g1.yaml")
    assert next(changes).commit.subject == "d2 goes live"
    assert before(folder) == "d1"
    with pytest.raises(ConfigError, match=rf"g1.yaml: has no history: .*{oldest}"):
        list(changes)


def test_versions_that_are_added_are_no_changes_of_the_service(folder: Path) -> None:
    for number in range(4, 7):
        row = f'  - {{id: v{number}, manifest: "{DIGEST}", updated: 2026-11-25T08:00:00Z}}\n'
        text = (folder / "g1.yaml").read_text()
        (folder / "g1.yaml").write_text(text.replace("service:", f"{row}service:"))
        commit(folder, f"v{number}")
    switch(folder, "line-loading", "d2")
    commit(folder, "d2 goes live")
    assert [subject for subject, _ in message(folder)] == ["d2 goes live", "line-loading goes online"]
    assert before(folder) == "d1"
