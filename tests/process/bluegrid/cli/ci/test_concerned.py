"""Which services of a stack the files of a clone concern that differ from a commit."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from bluegrid.cli.ci.concerned import scope_of
from bluegrid.previews.scope import PreviewScope
from bluegrid.project import Project
from bluegrid.project.git_changes import BaseCommit
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "config:\n  bluegrid:store: s3://models\n  bluegrid:image: a\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a project of two services and two stacks; `main` is its only commit."""
    folder = tmp_path / "grid"
    for name in ("registry", "stacks"):
        (folder / name).mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: grid\nruntime: python\nstackConfigDir: stacks\n")
    (folder / "__main__.py").write_text("print()\n")
    (folder / ".gitignore").write_text("previews/\n")
    for stack in ("north", "east"):
        (folder / "stacks" / f"Pulumi.{stack}.yaml").write_text(SETTINGS)
    for name in ("load", "wind"):
        write_service(folder, name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder


def write_service(folder: Path, name: str, live: str = "d1", more: str = "") -> None:
    rows = "".join(
        f"    - {{id: {cluster}, version: v1, replicas: 1, cpu: 1, memory: 1Gi}}\n"
        for cluster in ("d1", "d2")
    )
    (folder / "registry" / f"{name}.yaml").write_text(
        f"set: {{id: {name}, name: {name}, task: t, type: scikit-learn/skops, source: platform}}\n"
        f"versions:\n  - {{id: v1, manifest: 'sha256:{'1' * 64}', updated: 2026-11-22T08:00:00Z}}\n"
        f"service:\n  name: {name}\n  live: {live}\n  clusters:\n{rows}{more}"
    )


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "next")


def scope(folder: Path, stack: str = "north", base: str = "main") -> PreviewScope:
    return scope_of(Project.find(folder), stack, BaseCommit.branched_off(folder, base))


def services(folder: Path, stack: str = "north") -> list[str]:
    found = scope(folder, stack)
    assert found.reasons == ()
    return list(found.services)


def test_without_a_change_no_service_is_concerned(clone: Path) -> None:
    assert services(clone) == []


def test_a_switch_concerns_its_service_committed_or_not(clone: Path) -> None:
    write_service(clone, "load", live="d2")
    assert services(clone) == ["load"]
    commit(clone)
    assert services(clone) == ["load"]


def test_a_file_that_git_does_not_know_yet_is_a_change(clone: Path) -> None:
    write_service(clone, "solar")
    assert services(clone) == ["solar"]


def test_deleted_and_renamed_files_concern_what_they_declared(clone: Path) -> None:
    (clone / "registry" / "wind.yaml").unlink()
    assert services(clone) == ["wind"]
    git(clone, "checkout", "--quiet", ".")
    (clone / "registry" / "wind.yaml").unlink()
    write_service(clone, "breeze")
    assert services(clone) == ["breeze", "wind"]


def test_comments_and_what_nobody_reads_concern_nothing(clone: Path) -> None:
    for name in ("registry/load.yaml", "stacks/Pulumi.north.yaml", "Pulumi.yaml", "__main__.py"):
        (clone / name).write_text("# A comment.\n" + (clone / name).read_text())
    (clone / "README.md").write_text("Grid.\n")
    (clone / "registry" / "schema.json").write_text("{}\n")
    (clone / "previews").mkdir()
    (clone / "previews" / "north.json").write_text("{}\n")
    assert services(clone) == []


def test_a_change_on_main_since_the_branch_is_not_the_branchs(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "main")
    write_service(clone, "wind", live="d2")
    commit(clone)
    git(clone, "checkout", "--quiet", "change")
    write_service(clone, "load", live="d2")
    commit(clone)
    assert services(clone) == ["load"]


def test_a_setting_of_all_services_of_one_stack_concerns_all_of_that_stack(clone: Path) -> None:
    (clone / "stacks" / "Pulumi.north.yaml").write_text(SETTINGS.replace("s3://models", "s3://other"))
    assert scope(clone).reasons == ("stacks/Pulumi.north.yaml: bluegrid:store",)
    assert services(clone, "east") == []


def test_a_setting_of_one_cluster_concerns_its_service(clone: Path) -> None:
    (clone / "stacks" / "Pulumi.north.yaml").write_text(SETTINGS + "  bluegrid:replicas: {wind-d2: 3}\n")
    assert services(clone) == ["wind"]
    assert services(clone, "east") == []


def test_replicas_of_no_cluster_are_left_to_the_program_to_refuse(clone: Path) -> None:
    (clone / "stacks" / "Pulumi.north.yaml").write_text(SETTINGS + "  bluegrid:replicas: {wind-d9: 3}\n")
    (reason,) = scope(clone).reasons
    assert "wind-d9: no such cluster" in reason


def test_another_image_concerns_the_services_that_run_it(clone: Path) -> None:
    (clone / "stacks" / "Pulumi.north.yaml").write_text(SETTINGS.replace("image: a", "image: b"))
    assert services(clone) == ["load", "wind"]


@pytest.mark.parametrize("name", ["Pulumi.yaml", "__main__.py", "requirements.txt", "lib/rows.py"])
def test_a_file_that_the_program_may_read_concerns_all_services(clone: Path, name: str) -> None:
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text("name: grid2\n")
    commit(clone)
    assert scope(clone).reasons == (name,)


def test_a_registry_with_mistakes_concerns_all_services(clone: Path) -> None:
    (clone / "registry" / "load.yaml").write_text("set: {}\n")
    assert scope(clone).reasons == ("load.yaml has mistakes",)


def test_a_file_that_the_change_corrects_concerns_its_service(clone: Path) -> None:
    (clone / "registry" / "load.yaml").write_text("set: {}\n")
    commit(clone)
    git(clone, "tag", "broken")
    write_service(clone, "load")
    assert scope(clone, base="broken").services == ("load",)


def test_a_stacks_file_with_mistakes_concerns_all_services(clone: Path) -> None:
    (clone / "stacks" / "Pulumi.north.yaml").write_text("config: [")
    assert scope(clone).reasons == ("Pulumi.north.yaml has mistakes",)


def test_a_registry_elsewhere_in_the_clone_is_read_there(clone: Path) -> None:
    elsewhere = clone / "grids" / "Pulumi.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("name: grids\nruntime: python\nstackConfigDir: .\n")
    settings = SETTINGS + "  bluegrid:registry: ../registry\n"
    (elsewhere.parent / "Pulumi.north.yaml").write_text(settings)
    commit(clone)
    git(clone, "tag", "moved")
    write_service(clone, "load", live="d2")
    (clone / "__main__.py").write_text("print(1)\n")
    found = scope_of(Project.find(elsewhere.parent), "north", BaseCommit.branched_off(clone, "moved"))
    assert found == PreviewScope(services=("load",))


def test_a_commit_that_is_not_there_is_one_line(clone: Path) -> None:
    with pytest.raises(ConfigError, match=r"^0{40} is not a commit of this clone; fetch the whole history"):
        scope(clone, base="0" * 40)
    with pytest.raises(ConfigError, match=r"^--output=x is not a commit of this clone"):
        scope(clone, base="--output=x")
    git(clone, "checkout", "--quiet", "--orphan", "alone")
    write_service(clone, "solar")
    commit(clone)
    with pytest.raises(ConfigError, match="no commit in common"):
        scope(clone)


def test_a_registry_outside_of_the_clone_is_one_line(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (clone / "stacks" / "Pulumi.north.yaml").write_text(SETTINGS + "  bluegrid:registry: ../registry\n")
    with pytest.raises(ConfigError, match="in one clone"):
        scope(clone)
