"""Edits change what they are about and no other byte; whatever stops them, the file stays whole."""

from __future__ import annotations

import difflib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluegrid_registry import (
    Cluster,
    ConfigError,
    Registry,
    RegistryError,
    Version,
    VersionConflict,
    add_cluster,
    add_version,
    remove_cluster,
    switch,
    unify_live,
)
from bluegrid_registry.registry_files.registry import parse

DIGEST = "sha256:" + "a" * 64
V3 = Version.model_validate({"id": "v3", "manifest": DIGEST, "updated": "2026-11-24T08:00:00Z"})
D3 = Cluster(id="d3", version="v2", replicas=1, cpu="500m", gpu=0, memory="2Gi")

TEXT = f"""\
# Devices of the north, kept by grid operations
set:   {{ id: g1, name: 'Line loading', task: "regression", type: scikit-learn/skops, source: platform }}

versions:   # oldest first
  # the first one
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}
  - id: v2      # a block in between
    manifest: sha256:{"2" * 64}
    updated: 2026-11-23T09:00:00+01:00    # winter

# The online service.
service:
    name: line-loading
    live: 'd1'      # switched by the operator on duty
    clusters:
    -   {{id: d1, version: v1, replicas: 2,   cpu: 2, gpu: 0, memory: 2Gi}}  # big
    # standby
    regions: [ north,east ]
# the end
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, TEXT)


def write(folder: Path, text: str) -> Path:
    (folder / "g1.yaml").write_bytes(text.encode())
    return folder


def read(folder: Path) -> str:
    return (folder / "g1.yaml").read_bytes().decode()


def changed_lines(before: str, after: str) -> list[str]:
    """Return the lines that went (-) and came (+)."""
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if line[0] in "-+"]


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
    with pytest.raises(RegistryError, match=r"live by region: name one of default \(d1\), north \(d3\)"):
        switch(folder, "line-loading", "d1")


def test_regions_that_name_the_same_cluster_are_switched_together_and_said_in_one_word(folder: Path) -> None:
    add_cluster(folder, "line-loading", D3)
    before = read(folder)
    switch(folder, "line-loading", "d3", region="north")
    switch(folder, "line-loading", "d1", region="north")
    assert "live: {default: d1, north: d1}" in read(folder)
    switch(folder, "line-loading", "d3")
    assert read(folder) == before.replace("live: 'd1'", "live: d3")


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
    for update, told in [
        ({"id": "d1"}, r"g1.yaml:17: service.clusters\[1\].id: cluster d1 is there twice"),
        ({"version": "v1"}, "v1 has cluster d1 already"),
        ({"version": "v7"}, "v7 is not a version of this set"),
    ]:
        with pytest.raises(RegistryError, match=told):
            add_cluster(folder, "line-loading", D3.model_copy(update=update))
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


def test_the_first_version_of_a_set_goes_below_its_key(tmp_path: Path) -> None:
    text = (
        "set: {id: g1, name: n, task: t, type: scikit-learn/skops, source: user}\nversions: []  # none yet\n"
    )
    add_version(write(tmp_path, text), "g1", V3)
    assert changed_lines(text, read(tmp_path)) == [
        "- versions: []  # none yet\n",
        "+ versions:\n",
        f'+   - {{id: v3, manifest: "{DIGEST}", updated: 2026-11-24T08:00:00Z}}  # none yet\n',
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["no end of line", "end of line"])
def test_line_ends_stay_as_they_are(ending: str, last: str, tmp_path: Path) -> None:
    text = (TEXT.partition("\n# The online")[0].rstrip("\n") + last).replace("\n", ending)
    add_version(write(tmp_path, text), "g1", V3)
    after = read(tmp_path)
    assert after.replace(ending, "").count("\n") == 0
    added = f'  - {{id: v3, manifest: "{DIGEST}", updated: 2026-11-24T08:00:00Z}}'
    assert after == (text + added + ending if last else text + ending + added)


def test_lists_in_brackets_stay_in_brackets(tmp_path: Path) -> None:
    text = f"""\
{{set: {{id: g1, name: n, task: t, type: scikit-learn/skops, source: user}},
 versions: [{{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}, {{id: v2,
   manifest: "sha256:{"2" * 64}", updated: 2026-11-22T08:00:00Z}} ],
 service: {{name: s, live: d1, clusters: [{{id: d1, version: v1, cpu: 1, memory: 1Gi}}]}}}}
"""
    write(tmp_path, text)
    add_version(tmp_path, "g1", V3)
    with_version = read(tmp_path)
    add_cluster(tmp_path, "s", D3)
    switch(tmp_path, "s", "d3")
    remove_cluster(tmp_path, "s", "d1")
    assert [cluster.id for cluster in _service_clusters(tmp_path)] == ["d3"]
    assert with_version.count("\n") == text.count("\n")


def _service_clusters(folder: Path) -> tuple[Cluster, ...]:
    service = Registry.load(folder).files[0].service
    assert service
    return service.clusters


HEAD = "set: {id: g1, name: n, task: t, type: scikit-learn/skops, source: user}\n"
ROW = f'{{id: v3, manifest: "{DIGEST}", updated: 2026-11-24T08:00:00Z}}'
V1 = f"{{id: v1, manifest: '{DIGEST}', updated: 2026-11-22T08:00:00Z}}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("versions: # none\n  []\n", f"versions: # none\n  - {ROW}\n"),
        (f"versions: [{V1},]\n", f"versions: [{V1}, {ROW}]\n"),
        (f"versions:\n- {V1}\n...\n", f"versions:\n- {V1}\n- {ROW}\n...\n"),
        (
            f"versions:\n- id: v1\n  updated: 2026-11-22T08:00:00Z\n  manifest: |-\n    {DIGEST}\n\n# end\n",
            f"versions:\n- id: v1\n  updated: 2026-11-22T08:00:00Z\n  manifest: |-\n    {DIGEST}\n- {ROW}\n\n"
            "# end\n",
        ),
    ],
)
def test_a_rare_layout_is_edited_too(before: str, after: str, tmp_path: Path) -> None:
    add_version(write(tmp_path, HEAD + before), "g1", V3)
    assert read(tmp_path) == HEAD + after


@pytest.mark.parametrize("versions", [f"[\n  {V1} # note\n]", "[ # none yet\n]"])
def test_a_layout_that_cannot_be_edited_safely_is_left_alone(versions: str, tmp_path: Path) -> None:
    text = f"{HEAD}versions: {versions}\n"
    with pytest.raises(RegistryError, match="cannot be edited safely; edit it by hand"):
        add_version(write(tmp_path, text), "g1", V3)
    assert read(tmp_path) == text


@pytest.mark.parametrize("name", ["1", "1e3", "null", "true", "0x10", "2026.11"])
def test_an_id_that_looks_like_something_else_is_put_in_quotes(name: str, folder: Path) -> None:
    version = V3.model_copy(update={"id": name})
    add_version(folder, "g1", version)
    assert Registry.load(folder).of_set("g1").versions[-1] == version


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [("2", "2e9"), ("0.5", "512Mi"), ("1.50", "1.50Gi"), ("1e2", "1073741824"), ("500m", "2G")],
)
def test_amounts_are_written_as_they_are(cpu: str, memory: str, folder: Path) -> None:
    cluster = D3.model_copy(update={"cpu": cpu, "memory": memory})
    add_cluster(folder, "line-loading", cluster)
    assert _service_clusters(folder)[-1] == cluster


def test_a_registry_with_a_mistake_is_not_edited(folder: Path) -> None:
    (folder / "g2.yaml").write_text("set: [")
    with pytest.raises(RegistryError, match=r"g2.yaml:1: not valid YAML"):
        add_version(folder, "g1", V3)
    assert read(folder) == TEXT


def test_a_killed_edit_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process is gone."""

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


@settings(max_examples=30)
@given(
    indent=st.integers(0, 3),
    space=st.text(" ", max_size=3),
    comment=st.sampled_from(["", " # note", "\n# note", "\n\n  # note\n"]),
    before=st.sampled_from(["", "---\n", "# top\n"]),
)
def test_whatever_the_layout_the_result_says_what_was_asked(
    indent: int, space: str, comment: str, before: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    margin = " " * indent
    text = (
        f"{before}set: {{{space}id: g1, name: n, task: t, type: scikit-learn/skops, source: user{space}}}\n"
        f"versions:{space}{comment}\n"
        f"{margin}-{space} {{id: v1,{space} manifest: 'sha256:{'1' * 64}', "
        f"updated: 2026-11-22T08:00:00Z}}{comment}\n"
        f"{margin}- id:{space} v2{comment}\n"
        f"{margin}  manifest: sha256:{'2' * 64}\n"
        f"{margin}  updated: 2026-11-22T08:00:00Z{comment}\n"
    )
    expected = parse({Path("g1.yaml"): text}).of_set("g1")
    folder = write(tmp_path_factory.mktemp("registry"), text)
    add_version(folder, "g1", V3)
    assert Registry.load(folder).of_set("g1").versions == (*expected.versions, V3)
    assert all(line.startswith("+") for line in changed_lines(text, read(folder)))
