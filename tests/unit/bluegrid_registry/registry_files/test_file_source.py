"""Rows of versions in their usual form are read at once, and mean what YAML says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluegrid_registry import RegistryError
from bluegrid_registry.registry_files import registry as registry_module
from bluegrid_registry.registry_files.file_source import read_file
from bluegrid_registry.registry_files.model_set_schema import RegistryFile
from bluegrid_registry.registry_files.registry import parse, plain_data
from bluegrid_registry.registry_files.version_rows import VersionRows
from bluegrid_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_registry.registry_files.yaml_source import YamlSource


def row(version: str, second: int = 0) -> str:
    return (
        f'  - {{id: {version}, manifest: "sha256:{second:064x}", updated: 2026-11-22T08:00:{second:02d}Z}}\n'
    )


HEAD = "set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}\n"
SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 2, memory: 2Gi}
"""
USUAL = f"""\
# A registry file, as push writes it.
{HEAD}versions:  # oldest first
  # - {{id: v0, manifest: "sha256:{"f" * 64}", updated: 2026-11-21T08:00:00Z}}
{row("v1", 1)}\
  - {{id: v2, manifest: "sha256:{"2" * 64}", updated: 2026-11-22T09:00:00.5+01:00}}  # was {{id: v3, x}}

{row('"3"', 3)}\
# The online service.
{SERVICE}"""
PIECES = [
    *("{", "}", "[", "]", ":", "- ", ", ", "\n", "  ", "\r", "\r\n", "\t", "'", '"', "#", " # ", "&a ", "*a"),
    *("!t ", "? ", "|", ">", "---\n", "...\n", "%", "\0", "\x7f", "\ufeff", "\x85", "\u2028", "é", "<<: "),
    *("\\", "true", "1", "versions:\n", "versions: []\n", "versions:", "rows-of-versions", "id: ", "v1"),
    *('"v1"', "null", "0x1", "1e3", "13", "Z", "  # a comment\n", "\n\n", "    x\n", row("v1", 1)),
    *(row("v9", 9), row("2026-11-22"), row("20261122"), row("True"), row("a b"), row("x" * 64)),
    *(" " + row("v8"), row("v7").lstrip(), row("v6").rstrip()),
]  # fmt: skip


def outcome(text: str) -> object:
    """Return what a registry with one file says, or its mistakes."""
    try:
        return parse({Path("registry/g1.yaml"): text}).files
    except RegistryError as error:
        return str(error)


def by(reader: Callable[[str], YamlSource], text: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_module, "read_file", reader)
        patch.setattr(registry_module, "_last", registry_module._LastRead())
        return outcome(text)


def test_usual_rows_are_read_without_the_places_of_their_values() -> None:
    source = read_file(USUAL)
    assert isinstance(source.data["versions"], VersionRows)
    assert not source.has_places
    assert source.data["versions"].ids == ("v1", "v2", "3")


@pytest.mark.parametrize(
    "text",
    [
        USUAL,
        USUAL.replace("\n", "\r\n"),
        USUAL.rstrip("\n"),
        SERVICE + USUAL.replace(SERVICE, "").rstrip("\n"),
        USUAL.replace("  - ", "- "),
        HEAD + "versions:\n" + row("v1"),
    ],
)
def test_usual_rows_say_what_yaml_says(text: str) -> None:
    assert isinstance(read_file(text).data["versions"], VersionRows)
    assert by(read_file, text) == by(read_yaml, text)
    assert not isinstance(by(read_file, text), str)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{id: v1", "{id: 1"),
        ("{id: v1", "{id: true"),
        ("{id: v1", "{id: v2"),
        ("{id: v1", f"{{id: {'v' * 64}"),
        ("{id: v1", "{id: \"v1'"),
        ("2026-11-22T08:00:01Z", "2026-13-22T08:00:01Z"),
        ("2026-11-22T08:00:01Z", "2026-11-22T08:00:01"),
        ("  - {id: v1", "   - {id: v1"),
        ("  # - {id: v0", "  # \0 - {id: v0"),
        (SERVICE, "versions: []\n" + SERVICE),
        (SERVICE, "  and: more\n" + SERVICE),
        (HEAD, HEAD.replace("}\n", ",\n")),
        (HEAD, "{" + HEAD.replace("}\n", "},\n")),
        (HEAD, HEAD.replace("name: Line loading", "name: 'Line\n")),
    ],
)
def test_anything_else_is_read_by_yaml_with_its_messages(old: str, new: str) -> None:
    assert USUAL.count(old) == 1
    text = USUAL.replace(old, new)
    assert read_file(text).has_places
    assert by(read_file, text) == by(read_yaml, text)


def test_mistakes_beside_usual_rows_have_their_lines() -> None:
    text = USUAL.replace("live: d1", "live: d3").replace("version: v1", "version: v4")
    assert outcome(text) == (
        "registry/g1.yaml:12: service.live: d3 is not a cluster of line-loading; declared: d1\n"
        "registry/g1.yaml:14: service.clusters[0].version: "
        "v4 is not a version of this set; declared: v1, v2, 3"
    )


# ruamel.yaml warns of an anchor that comes twice; the registry refuses anchors before.
@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_as_yaml_says(data: st.DataObject) -> None:
    text = USUAL
    for _ in range(data.draw(st.integers(1, 3))):
        starts = [0, *(index + 1 for index, each in enumerate(text) if each == "\n")]
        start = data.draw(st.one_of(st.sampled_from(starts), st.integers(0, len(text))))
        end = start + data.draw(st.sampled_from([0, 0, 1, 4, 80]))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:]
    assert by(read_file, text) == by(read_yaml, text)


def rows() -> VersionRows:
    found = read_file(USUAL).data["versions"]
    assert isinstance(found, VersionRows)
    return found


def test_rows_are_a_sequence_of_versions() -> None:
    versions = rows()
    assert (len(versions), [each.id for each in versions]) == (3, ["v1", "v2", "3"])
    assert versions[-1].updated == datetime(2026, 11, 22, 8, 0, 3, tzinfo=UTC)
    assert versions[1:] == tuple(versions)[1:]
    assert versions == tuple(versions) == rows()
    assert hash(versions) == hash(tuple(versions))
    assert versions != [*versions]


@pytest.mark.parametrize("version", ["v1", "v2", "3"])
def test_a_row_is_found_by_its_id(version: str) -> None:
    found = rows().find(version)
    assert found == next(each for each in rows() if each.id == version)


@pytest.mark.parametrize("version", ["v0", "v3", "v", '"3"', "x"])
def test_a_row_in_a_comment_is_no_version(version: str) -> None:
    assert rows().find(version) is None


def test_a_file_with_usual_rows_is_plain_data_again() -> None:
    file = RegistryFile.model_validate(read_file(USUAL).data)
    other = RegistryFile.model_validate(read_yaml(USUAL).data)
    assert file == other
    assert plain_data(file) == plain_data(other)
    assert hash(file.versions) == hash(other.versions)


@pytest.mark.parametrize(
    ("old", "new", "newest"),
    [("", "", "3"), ("09:00:00.5+01:00", "08:00:03Z", "3"), ("09:00:00.5+01:00", "09:00:00.5Z", "v2")],
)
def test_the_newest_row_is_the_one_that_was_updated_last(old: str, new: str, newest: str) -> None:
    text = USUAL.replace(old, new)
    files = [RegistryFile.model_validate(read(text).data) for read in (read_file, read_yaml)]
    assert [file.newest.id for file in files if file.newest] == [newest, newest]
