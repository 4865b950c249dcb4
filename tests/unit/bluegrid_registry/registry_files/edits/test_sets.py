"""Edits add and remove sets and versions, and change nothing else; sets and versions in use stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    DeclaredSet,
    Registry,
    RegistryError,
    ValueEdit,
    add_set,
    edit_set,
    remove_set,
    remove_version,
)
from tests.unit.bluegrid_registry.registry_files.edited import TEXT, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, TEXT)


def declared(set_id: str = "g2", name: str = "Bus voltage: 110 kV") -> DeclaredSet:
    return DeclaredSet.model_validate(
        {"id": set_id, "name": name, "task": "regression", "type": "onnx/onnx", "source": "user"}
    )


def named(name: str, task: str) -> list[ValueEdit]:
    return [ValueEdit(("name",), name), ValueEdit(("task",), task)]


def test_a_set_is_a_new_file_and_the_others_stay(folder: Path) -> None:
    add_set(folder, declared())
    assert (folder / "g2.yaml").read_text() == (
        'set: {id: g2, name: "Bus voltage: 110 kV", task: regression, type: onnx/onnx, source: user}\n'
        "versions: []\n"
    )
    assert (folder / "g1.yaml").read_text() == TEXT
    assert Registry.load(folder).of_set("g2").set == declared()


def test_a_new_file_tells_editors_its_schema_as_the_others_do(folder: Path) -> None:
    line = "# yaml-language-server: $schema=../docs/reference/registry.schema.json\n"
    (folder / "g1.yaml").write_text(line + TEXT)
    add_set(folder, declared())
    assert (folder / "g2.yaml").read_text().startswith(line)


def test_the_first_file_of_a_project_tells_editors_the_schema_beside_it(folder: Path) -> None:
    (folder / "g1.yaml").unlink()
    (folder / "schema.json").write_text("{}")
    add_set(folder, declared())
    assert (folder / "g2.yaml").read_text().startswith("# yaml-language-server: $schema=schema.json\n")


def test_a_set_that_is_there_is_not_added_again(folder: Path) -> None:
    with pytest.raises(RegistryError, match=r"set g1 is there already, in .*g1\.yaml"):
        add_set(folder, declared("g1"))
    assert (folder / "g1.yaml").read_text() == TEXT


def test_an_edit_changes_words_and_keeps_their_quotes(folder: Path) -> None:
    assert edit_set(folder, "g1", named("Line load", "estimation"))
    expected = TEXT.replace("'Line loading'", "'Line load'").replace('"regression"', '"estimation"')
    assert (folder / "g1.yaml").read_text() == expected
    assert not edit_set(folder, "g1", named("Line load", "estimation"))


@pytest.mark.parametrize("name", ["the operator's", 'the "north"', "a\\b", "a: b # c", "{}"])
def test_a_name_that_its_quotes_cannot_hold_is_put_in_others(name: str, folder: Path) -> None:
    edit_set(folder, "g1", named(name, name))
    edited = Registry.load(folder).of_set("g1").set
    assert (edited.name, edited.task) == (name, name)


def test_an_edit_that_makes_a_mistake_is_refused(folder: Path) -> None:
    (folder / "g1.yaml").write_text(TEXT.replace("scikit-learn/skops", "scikit-learn/joblib"))
    before = (folder / "g1.yaml").read_text()
    with pytest.raises(RegistryError, match=r"g1\.yaml:2: set.source: user, but"):
        edit_set(folder, "g1", [ValueEdit(("source",), "user")])
    assert (folder / "g1.yaml").read_text() == before


def test_a_set_that_is_online_is_not_removed(folder: Path) -> None:
    with pytest.raises(
        RegistryError, match=r"set g1 is online: service line-loading, clusters d1; remove the service"
    ):
        remove_set(folder, "g1", with_versions=True)
    assert (folder / "g1.yaml").exists()


def test_a_set_with_versions_is_removed_only_with_them(folder: Path) -> None:
    (folder / "g1.yaml").write_text(TEXT[: TEXT.index("# The online service.")])
    with pytest.raises(RegistryError, match=r"set g1 has versions v1, v2; remove them too"):
        remove_set(folder, "g1")
    remove_set(folder, "g1", with_versions=True)
    assert not list(folder.iterdir())


def test_a_version_is_taken_out_with_its_lines_and_no_others(folder: Path) -> None:
    remove_version(folder, "g1", "v2")
    start = TEXT.index("  - id: v2")
    end = TEXT.index("\n# The online service.")
    assert (folder / "g1.yaml").read_text() == TEXT[:start] + TEXT[end:]


def test_a_version_that_a_cluster_serves_is_not_removed(folder: Path) -> None:
    message = r"set g1 version v1: cluster d1 of line-loading serves it; remove the cluster first"
    with pytest.raises(RegistryError, match=message):
        remove_version(folder, "g1", "v1")
    assert (folder / "g1.yaml").read_text() == TEXT


@pytest.mark.parametrize(
    "versions",
    [
        'versions:   # oldest first\n  - {{id: v1, manifest: "{d}", updated: 2026-11-22T08:00:00Z}}\n',
        'versions: [{{id: v1, manifest: "{d}", updated: 2026-11-22T08:00:00Z}}]\n',
        'versions:\n- id: v1\n  manifest: "{d}"\n  updated: 2026-11-22T08:00:00Z\n',
    ],
)
def test_the_last_version_leaves_an_empty_list(versions: str, tmp_path: Path) -> None:
    head = "set: {id: g1, name: n, task: t, type: onnx/onnx, source: user}\n"
    write(tmp_path, head + versions.format(d="sha256:" + "1" * 64) + "# end\n")
    remove_version(tmp_path, "g1", "v1")
    assert Registry.load(tmp_path).of_set("g1").versions == ()
    text = (tmp_path / "g1.yaml").read_text()
    assert text.startswith(head)
    assert text.endswith("# end\n")


def test_edits_at_once_lose_nothing(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add_set(folder, declared(f"s{number}")), range(20)))
    assert len(Registry.load(folder).files) == 21
