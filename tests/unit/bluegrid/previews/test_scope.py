"""Which services a change of registry files and settings concerns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bluegrid.previews.scope import (
    Declared,
    concerned_services,
    is_read,
    is_same_content,
    needs_all_files,
    shared_settings,
)
from bluegrid.project.stack_files import sizes_of
from bluegrid_registry import RegistryFile

V1, V2 = (
    {"id": name, "manifest": f"sha256:{digit * 64}", "updated": "2026-11-22T08:00:00Z"}
    for name, digit in (("v1", "1"), ("v2", "2"))
)


def of_service(name: str, **changes: Any) -> RegistryFile:
    """Return the file of a set and its service, whose cluster d1 is live."""
    row = {"id": "d1", "version": "v1", "replicas": 2, "cpu": 1, "memory": "1Gi"}
    service = {"name": name, "live": "d1", "clusters": [row, {**row, "id": "d2"}]}
    declared = {"id": f"set-{name}", "name": name, "task": "t", "source": "platform"}
    return RegistryFile.model_validate(
        {
            "set": {**declared, "type": changes.pop("type", "scikit-learn/skops")},
            "versions": changes.pop("versions", [V1]),
            "service": {**service, **changes},
        }
    )


def declared(*files: RegistryFile, **settings: Any) -> Declared:
    config = {f"bluegrid:{key}": value for key, value in settings.items()}
    return Declared(files, {"config": config}, sizes_of(config, Path("Pulumi.north.yaml")))


def concerned(before: Declared, after: Declared, region: str = "north") -> list[str]:
    return list(concerned_services(region, before, after))


LOAD, WIND = of_service("load"), of_service("wind")


def test_a_switch_concerns_its_service_alone() -> None:
    assert concerned(declared(LOAD, WIND), declared(of_service("load", live="d2"), WIND)) == ["load"]


def test_a_version_that_no_cluster_serves_concerns_no_service() -> None:
    assert concerned(declared(LOAD), declared(of_service("load", versions=[V1, V2]))) == []


def test_another_manifest_of_a_served_version_concerns_its_service() -> None:
    other = {**V1, "manifest": V2["manifest"]}
    assert concerned(declared(LOAD), declared(of_service("load", versions=[other]))) == ["load"]


def test_added_removed_and_renamed_services_are_concerned_by_old_and_new_name() -> None:
    assert concerned(declared(LOAD), declared(LOAD, WIND)) == ["wind"]
    assert concerned(declared(LOAD, WIND), declared(LOAD)) == ["wind"]
    assert concerned(declared(LOAD), declared(of_service("peak"))) == ["load", "peak"]


def test_a_service_that_moves_to_another_file_unchanged_but_for_its_set_is_concerned() -> None:
    moved = RegistryFile.model_validate(
        {**LOAD.model_dump(mode="json"), "set": {**LOAD.set.model_dump(mode="json"), "id": "other"}}
    )
    assert concerned(declared(LOAD), declared(moved)) == ["load"]


def test_a_region_is_concerned_by_what_it_runs_alone() -> None:
    after = of_service("load", live={"default": "d1", "north": "d2"})
    assert concerned(declared(LOAD), declared(after), "north") == ["load"]
    assert concerned(declared(LOAD), declared(after), "east") == []
    elsewhere = of_service("load", regions=["east"])
    assert concerned(declared(LOAD), declared(elsewhere), "north") == ["load"]


def test_replicas_of_a_cluster_concern_its_service_alone() -> None:
    after = declared(LOAD, WIND, replicas={"wind-d2": 3})
    assert concerned(declared(LOAD, WIND), after) == ["wind"]
    # As many as the registry says anyway.
    assert concerned(declared(LOAD, WIND), declared(LOAD, WIND, replicas={"wind-d2": 2})) == []


def test_replicas_of_a_cluster_of_a_file_that_is_left_out_are_no_fault() -> None:
    both = {"replicas": {"wind-d2": 3}}
    assert concerned(declared(LOAD, **both), declared(of_service("load", live="d2"), **both)) == ["load"]


def test_a_size_factor_concerns_the_services_whose_numbers_it_changes() -> None:
    no_pods = {"id": "d1", "version": "v1", "replicas": 0, "cpu": 1, "memory": "1Gi"}
    idle = of_service("idle", clusters=[no_pods])
    assert concerned(declared(LOAD, idle), declared(LOAD, idle, sizeFactor="2")) == ["load"]


def test_the_image_of_a_family_concerns_the_services_of_that_family() -> None:
    trees = of_service("trees", type="xgboost/ubj")
    before = declared(LOAD, trees, image="a", images={"xgboost": "b"})
    assert concerned(before, declared(LOAD, trees, image="a", images={"xgboost": "c"})) == ["trees"]
    assert concerned(before, declared(LOAD, trees, image="c", images={"xgboost": "b"})) == ["load"]
    assert (
        concerned(before, declared(LOAD, trees, image="a", images={"xgboost": "b", "tensorflow": "c"})) == []
    )


@pytest.mark.parametrize(
    "key", ["store", "quotaCpu", "host", "requestFactor", "routeAnnotations", "pods", "region", "kubeContext"]
)
def test_a_setting_of_all_services_is_named(key: str) -> None:
    before: dict[str, Any] = {"config": {}}
    after = {"config": {f"bluegrid:{key}": "x"}}
    assert shared_settings(before, after) == [f"bluegrid:{key}"]
    assert not needs_all_files(before, after)


def test_settings_of_other_programs_and_what_encrypts_secrets_are_shared() -> None:
    before = {"encryptionsalt": "a", "config": {"aws:region": "x", "bluegrid:routeKey": {"secure": "a"}}}
    after = {"encryptionsalt": "b", "config": {"aws:region": "y", "bluegrid:routeKey": {"secure": "b"}}}
    assert shared_settings(before, after) == ["aws:region", "bluegrid:routeKey", "encryptionsalt"]


@pytest.mark.parametrize("key", ["image", "images", "replicas", "sizeFactor"])
def test_a_setting_of_single_services_is_not_shared(key: str) -> None:
    before: dict[str, Any] = {"config": {}}
    after = {"config": {f"bluegrid:{key}": "x"}}
    assert shared_settings(before, after) == []
    assert needs_all_files(before, after)


def test_one_and_true_are_different_settings() -> None:
    assert shared_settings({"config": {"bluegrid:quotaPods": 1}}, {"config": {"bluegrid:quotaPods": True}})


@pytest.mark.parametrize(
    "path", ["README.md", "docs/a.txt", ".github/workflows/up.yaml", ".gitlab-ci.yml", "tests/test_a.py"]
)
def test_files_for_people_and_workflows_are_not_read_by_the_program(path: str) -> None:
    assert not is_read(path)


@pytest.mark.parametrize(
    "path",
    ["Pulumi.yaml", "__main__.py", "requirements.txt", "uv.lock", "wheels/a.whl", "ca.pem", "lib/a.py"],
)
def test_any_other_file_may_be_read_by_the_program(path: str) -> None:
    assert is_read(path)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Pulumi.yaml", b"name: a\nruntime: python\n", b"# grid\nruntime: python\nname: a\n"),
        ("__main__.py", b"a = 1\n", b"# one\na  =  1\n"),
    ],
)
def test_comments_and_layout_are_the_same_content(name: str, before: bytes, after: bytes) -> None:
    assert is_same_content(name, before, after)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Pulumi.yaml", b"name: a\n", b"name: b\n"),
        ("Pulumi.yaml", b"a: 1\n", b"a: true\n"),
        ("Pulumi.yaml", b"a: 1\n", b"a: [\n"),
        ("__main__.py", b"a = 1\n", b"a = 2\n"),
        ("__main__.py", b"a = 1\n", b"a = = 1\n"),
        ("requirements.txt", b"bluegrid==1\n", b"bluegrid==2\n"),
        ("new.py", None, b""),
        ("old.py", b"", None),
    ],
)
def test_other_contents_and_files_that_come_or_go_are_not(
    name: str, before: bytes | None, after: bytes | None
) -> None:
    assert not is_same_content(name, before, after)
