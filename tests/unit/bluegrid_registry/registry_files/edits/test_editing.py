"""Edits change only the intended bytes; whatever interrupts them, the file stays complete."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    Registry,
    RegistryError,
    VersionConflict,
    add_cluster,
    add_version,
    move_service,
    remove_cluster,
    switch,
    unify_live,
)
from tests.unit.bluegrid_registry.registry_files.edited import (
    D3,
    DIGEST,
    TEXT,
    V3,
    changed_lines,
    read,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, TEXT)


def test_a_switch_changes_one_word_and_no_other_byte(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = (folder / "g1.yaml").read_bytes()
    done = switch(folder, "line-loading", "d3")
    after = (folder / "g1.yaml").read_bytes()
    assert (done.service, done.region, done.old, done.new) == ("line-loading", None, "d1", "d3")
    differing = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert differing == [before.index(b"'d1'") + 2]


def test_a_switch_to_what_is_live_leaves_the_file_alone(folder: Path) -> None:
    before = (folder / "g1.yaml").stat()
    done = switch(folder, "line-loading", "d1")
    assert (done.old, done.new) == ("d1", "d1")
    assert (folder / "g1.yaml").stat() == before


def test_a_switch_to_no_cluster_is_refused(folder: Path) -> None:
    with pytest.raises(RegistryError, match=r"^d9 is not a cluster of line-loading; declared: d1$"):
        switch(folder, "line-loading", "d9")
    assert read(folder) == TEXT


def test_a_region_is_switched_by_itself(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    done = switch(folder, "line-loading", "d3", region="north")
    assert (done.region, done.old, done.new) == ("north", "d1", "d3")
    assert changed_lines(before, read(folder)) == [
        "-     live: 'd1'      # switched by the operator on duty\n",
        "+     live: {default: d1, north: d3}      # switched by the operator on duty\n",
    ]
    switch(folder, "line-loading", "d3", region="east")
    assert "live: {default: d1, north: d3, east: d3}      # switched" in read(folder)
    switch(folder, "line-loading", "d1", region="north")
    assert "live: {default: d1, north: d1, east: d3}      # switched" in read(folder)
    switch(folder, "line-loading", "d3", region="default")
    assert "live: {default: d3, north: d1, east: d3}      # switched" in read(folder)


def test_regions_that_are_alike_again_are_said_in_one_word(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    switch(folder, "line-loading", "d3", "north")
    assert not unify_live(folder, "line-loading", ["north", "east"])
    switch(folder, "line-loading", "d3", "east")
    assert unify_live(folder, "line-loading", ["north", "east"])
    assert not unify_live(folder, "line-loading", ["north", "east"])
    assert read(folder) == before.replace("live: 'd1'", "live: d3")


def test_a_service_that_is_live_by_region_is_never_switched_by_guess(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    switch(folder, "line-loading", "d3", region="north")
    with pytest.raises(
        RegistryError, match=r"live by region: default \(d1\), north \(d3\); name one, or all"
    ):
        switch(folder, "line-loading", "d1")


def test_regions_that_name_the_same_cluster_are_switched_together_and_said_in_one_word(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    switch(folder, "line-loading", "d3", region="north")
    switch(folder, "line-loading", "d1", region="north")
    assert "live: {default: d1, north: d1}" in read(folder)
    switch(folder, "line-loading", "d3")
    assert read(folder) == before.replace("live: 'd1'", "live: d3")


def test_a_switch_everywhere_ends_what_differs(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    switch(folder, "line-loading", "d3", region="north")
    done = switch(folder, "line-loading", "d1", everywhere=True)
    assert (done.region, done.old, done.new) == (None, "d1, d3", "d1")
    assert read(folder) == before.replace("live: 'd1'", "live: d1")


@pytest.mark.parametrize("region", ["north", "east"])
def test_the_last_region_to_follow_makes_it_one_word_again(folder: Path, region: str) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    for each in ({"north", "east"} - {region}, {region}):
        assert "live: d3" not in read(folder)
        switch(folder, "line-loading", "d3", *each, regions=["north", "east"])
    assert read(folder) == before.replace("live: 'd1'", "live: d3")


def test_the_only_region_needs_no_name(folder: Path) -> None:
    text = TEXT.replace("    regions: [ north,east ]\n", "")
    assert text != TEXT
    (folder / "g1.yaml").write_text(text)
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    switch(folder, "line-loading", "d3", "north", regions=["north"])
    assert read(folder) == before.replace("live: 'd1'", "live: 'd3'")


def test_a_region_that_only_the_file_knows_counts(folder: Path) -> None:
    (folder / "g1.yaml").write_text(TEXT.replace("    regions: [ north,east ]\n", ""))
    add_cluster(folder, "line-loading", D3)
    switch(folder, "line-loading", "d1", "south", regions=["north"])
    before = read(folder)
    switch(folder, "line-loading", "d3", "south", regions=["north"])
    switch(folder, "line-loading", "d3", "north", regions=["north"])
    assert "live: d3" in read(folder)
    switch(folder, "line-loading", "d1", "north", regions=["north", "south"])
    assert "live: {default: d3, north: d1}" in read(folder)
    assert before != read(folder)


def test_where_no_region_is_known_the_default_has_to_agree_too(folder: Path) -> None:
    (folder / "g1.yaml").write_text(TEXT.replace("    regions: [ north,east ]\n", ""))
    add_cluster(folder, "line-loading", D3)
    switch(folder, "line-loading", "d3", "north", regions=())
    assert "live: {default: d1, north: d3}" in read(folder)
    switch(folder, "line-loading", "d1", "north", regions=())
    assert "live: d1 " in read(folder)


def test_a_region_that_the_service_is_not_in_is_refused(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    with pytest.raises(RegistryError, match="south is not a region of line-loading; declared: north, east"):
        switch(folder, "line-loading", "d3", region="south")
    assert read(folder) == before


def test_a_version_is_one_new_line(folder: Path) -> None:
    assert add_version(folder, "g1", V3)
    assert changed_lines(TEXT, read(folder)) == [
        f'+   - {{id: v3, manifest: "{DIGEST}", updated: 2026-11-24T08:00:00Z}}\n'
    ]
    assert Registry.load(folder).of_set("g1").versions[-1] == V3


def test_adding_a_version_again_changes_nothing(folder: Path) -> None:
    add_version(folder, "g1", V3)
    before = read(folder)
    assert not add_version(folder, "g1", V3)
    assert read(folder) == before


def test_a_version_with_another_manifest_is_a_conflict(folder: Path) -> None:
    other = V3.model_copy(update={"id": "v1"})
    with pytest.raises(
        VersionConflict, match=r"^set g1 version v1: is in .*g1.yaml with manifest sha256:11111111;"
    ):
        add_version(folder, "g1", other)
    assert read(folder) == TEXT


def test_a_cluster_is_one_new_line_and_goes_without_a_trace(folder: Path) -> None:
    assert add_cluster(folder, "line-loading", D3)
    assert changed_lines(TEXT, read(folder)) == [
        "+     - {id: d3, version: v2, replicas: 1, cpu: 500m, gpu: 0, memory: 2Gi}\n"
    ]
    assert not add_cluster(folder, "line-loading", D3)
    remove_cluster(folder, "line-loading", "d3")
    assert read(folder) == TEXT


def test_a_cluster_whose_id_or_version_is_taken_is_refused(folder: Path) -> None:
    for update, message in [
        ({"id": "d1"}, r"g1.yaml:17: service.clusters\[1\].id: duplicate cluster d1"),
        ({"version": "v1"}, "v1 has cluster d1 already"),
        ({"version": "v7"}, "v7 is not a version of this set"),
    ]:
        with pytest.raises(RegistryError, match=message):
            add_cluster(folder, "line-loading", D3.model_copy(update=update))
    assert read(folder) == TEXT


def test_a_cluster_whose_objects_have_the_name_of_another_service_is_refused(folder: Path) -> None:
    other = TEXT.replace("id: g1", "id: g2").replace("name: line-loading", "name: line-loading-d3")
    (folder / "g2.yaml").write_text(other)
    assert {file.service.name for file in Registry.load(folder).files if file.service} == {
        "line-loading",
        "line-loading-d3",
    }
    with pytest.raises(RegistryError, match=r"are both named line-loading-d3; rename one$"):
        add_cluster(folder, "line-loading", D3)
    assert read(folder) == TEXT


def test_a_live_cluster_is_not_removed(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    with pytest.raises(
        RegistryError,
        match=r"^d1 is the live cluster of line-loading; switch line-loading to another cluster first",
    ):
        remove_cluster(folder, "line-loading", "d1")
    switch(folder, "line-loading", "d3", region="north")
    with pytest.raises(RegistryError, match=r"^d3 is the live cluster of line-loading in region north"):
        remove_cluster(folder, "line-loading", "d3")


def test_a_registry_with_a_mistake_is_not_edited(folder: Path) -> None:
    (folder / "g2.yaml").write_text("set: [")
    with pytest.raises(RegistryError, match=r"g2.yaml:1: not valid YAML"):
        add_version(folder, "g1", V3)
    assert read(folder) == TEXT


def test_a_killed_edit_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process was killed."""

    def die(descriptor: int) -> None:
        raise Killed

    monkeypatch.setattr("bluegrid_registry.files.os.fsync", die)
    with pytest.raises(Killed):
        add_version(folder, "g1", V3)
    assert read(folder) == TEXT
    assert [path.name for path in folder.iterdir()] == ["g1.yaml"]


def test_two_edits_at_once_lose_nothing(folder: Path) -> None:
    versions = [V3.model_copy(update={"id": f"w{number}"}) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda version: add_version(folder, "g1", version), versions))
    ids = {version.id for version in Registry.load(folder).of_set("g1").versions}
    assert ids == {"v1", "v2", *(version.id for version in versions)}


def test_an_edit_keeps_the_files_rights(folder: Path) -> None:
    (folder / "g1.yaml").chmod(0o640)
    add_version(folder, "g1", V3)
    assert stat.S_IMODE((folder / "g1.yaml").stat().st_mode) == 0o640


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: no such folder"):
        switch(tmp_path / "absent", "line-loading", "d1")


NORTH, LINES = "north", "north-lines"


def in_regions(folder: Path, regions: str, live: str = "'d1'") -> Path:
    text = TEXT.replace("live: 'd1'", f"live: {live}")
    return write(
        folder, text.replace("    regions: [ north,east ]\n", regions and f"    regions: {regions}\n")
    )


def test_a_service_moves_from_region_to_region(folder: Path) -> None:
    before = read(folder)
    assert move_service(folder, "line-loading", NORTH, LINES, (NORTH,))
    assert Registry.load(folder).service("line-loading").regions == (LINES, "east")
    removed, added = changed_lines(before, read(folder))
    assert (removed[0], added[0]) == ("-", "+")
    assert "regions: " in removed
    # As after an interruption: it has moved.
    assert not move_service(folder, "line-loading", NORTH, LINES, (NORTH,))


def test_a_service_without_regions_names_all_but_the_one_that_it_leaves(tmp_path: Path) -> None:
    folder = in_regions(tmp_path, "")
    move_service(folder, "line-loading", NORTH, LINES, ("east", NORTH))
    assert Registry.load(folder).service("line-loading").regions == ("east", LINES)


def test_what_is_live_in_a_region_moves_with_the_service(tmp_path: Path) -> None:
    folder = in_regions(tmp_path, "[north]", live="{default: d1, north: d1}")
    move_service(folder, "line-loading", NORTH, LINES, (NORTH,))
    assert Registry.load(folder).service("line-loading").live == {"default": "d1", LINES: "d1"}


@pytest.mark.parametrize("regions", ["[east]", "[north, north-lines]"])
def test_a_service_that_is_in_neither_or_in_both_regions_does_not_move(tmp_path: Path, regions: str) -> None:
    folder = in_regions(tmp_path, regions)
    with pytest.raises(RegistryError, match=r"^line-loading: .* declare it for north alone of the two: "):
        move_service(folder, "line-loading", NORTH, LINES, (NORTH,))
