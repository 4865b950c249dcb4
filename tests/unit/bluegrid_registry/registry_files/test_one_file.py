"""Commands that concern one set read its file alone; edits read the rows of versions of that file alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    Registry,
    RegistryError,
    add_version,
    load_service,
    load_set,
    switch,
)
from bluegrid_registry.registry_files.file_source import outline_of, read_file
from bluegrid_registry.registry_files.version_rows import NOT_READ
from tests.unit.bluegrid_registry.registry_files.edited import V3
from tests.unit.bluegrid_registry.registry_files.test_registry import GOOD, V1, V2

if TYPE_CHECKING:
    from pathlib import Path

OTHER = GOOD.replace("g1", "g2").replace("line-loading", "bus-voltage")
BAD_ROW = OTHER.replace(V2, "sha256:12")
FAULT = "g2.yaml:5: versions[1].manifest: 'sha256:12' is not a digest, sha256: and 64 hex digits"


def registry(folder: Path, **files: str) -> Path:
    for stem, text in files.items():
        (folder / f"{stem}.yaml").write_text(text)
    return folder


def test_a_set_and_a_service_are_what_the_whole_registry_says(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=OTHER)
    whole = Registry.load(folder)
    assert load_set(folder, "g2") == whole.of_set("g2")
    assert load_service(folder, "line-loading") == (whole.of_set("g1"), whole.service("line-loading"))


def test_a_mistake_in_another_file_does_not_matter_to_a_reader(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2="set: [ # line-loading")
    assert load_set(folder, "g1").set.id == "g1"
    assert load_service(folder, "line-loading")[0].set.id == "g1"


def test_what_is_not_declared_is_refused_with_what_is(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=OTHER)
    with pytest.raises(RegistryError, match=r"^no set g9; declared: g1, g2$"):
        load_set(folder, "g9")
    with pytest.raises(RegistryError, match=r"^no set \.\./g1; declared: g1, g2$"):
        load_set(folder, "../g1")
    with pytest.raises(RegistryError, match=r"^no service line; declared: line-loading, bus-voltage$"):
        load_service(folder, "line")
    with pytest.raises(ConfigError, match="absent: no such folder"):
        load_set(folder / "absent", "g1")
    with pytest.raises(ConfigError, match="absent: no such folder"):
        load_service(folder / "absent", "line-loading")


def test_mistakes_of_the_file_are_named_with_those_of_all_files(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD.replace("live: d1", "live: d9"), g2=BAD_ROW)
    lines = ["g1.yaml:8: service.live: d9 is not a cluster of line-loading; declared: d1, d2", FAULT]
    for load in (lambda: load_set(folder, "g1"), lambda: load_service(folder, "line-loading")):
        with pytest.raises(RegistryError) as refused:
            load()
        assert str(refused.value).replace(f"{folder}/", "").split("\n") == lines


def test_a_service_of_two_files_is_refused(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=GOOD.replace("id: g1", "id: g2"))
    with pytest.raises(RegistryError, match=r"g2.yaml:7: service.name: line-loading is the service of "):
        load_service(folder, "line-loading")


def test_a_service_is_found_however_its_name_is_written(tmp_path: Path) -> None:
    text = GOOD.replace("name: line-loading", r'name: "line\u002dloading"')
    folder = registry(tmp_path, g1=text, g2=OTHER.replace("name: Line loading", "name: line-loading"))
    assert load_service(folder, "line-loading")[0].set.id == "g1"


def test_an_edit_reads_no_rows_of_other_files(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=BAD_ROW)
    assert switch(folder, "line-loading", "d2").new == "d2"
    with pytest.raises(RegistryError, match=r"g2.yaml:5: versions\[1\].manifest"):
        Registry.load(folder)


def test_an_edit_is_refused_for_rows_of_its_file_with_their_lines(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=BAD_ROW)
    for edit in (lambda: switch(folder, "bus-voltage", "d2"), lambda: add_version(folder, "g2", V3)):
        with pytest.raises(RegistryError) as refused:
            edit()
        assert str(refused.value) == f"{folder}/{FAULT}"


def test_an_edit_is_refused_for_any_other_mistake_with_those_in_rows(tmp_path: Path) -> None:
    folder = registry(tmp_path, g1=GOOD, g2=BAD_ROW.replace("live: d1", "live: d9"))
    with pytest.raises(RegistryError) as refused:
        switch(folder, "line-loading", "d2")
    assert str(refused.value).replace(f"{folder}/", "").split("\n") == [
        FAULT,
        "g2.yaml:8: service.live: d9 is not a cluster of bus-voltage; declared: d1, d2",
    ]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("  - {id: v2", "\n  # a comment\n  - id: v2\n    more: {x"),
        "versions: []\n" + GOOD.replace("versions:\n", "other:\n"),
    ],
)
def test_an_outline_is_the_file_without_its_versions(text: str) -> None:
    source = outline_of(text)
    assert source.data["versions"] is NOT_READ
    assert {**source.data, "versions": 0} == {**read_file(text).data, "versions": 0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "set: 1\n",
        "{versions: []}\n",
        f'text: "\nversions:\n  - {V1}\nend: "\n',
        "versions: []\nversions: []\n",
        GOOD.replace("  - {id: v", "- {id: v"),
        "{a: b,\nversions:\n  - x\n}\n",
    ],
)
def test_a_file_whose_versions_cannot_be_left_out_is_read_as_a_whole(text: str) -> None:
    source, whole = outline_of(text), read_file(text)
    assert (source.data, source.mistakes) == (whole.data, whole.mistakes)
