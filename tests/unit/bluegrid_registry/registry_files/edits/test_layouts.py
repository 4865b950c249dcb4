"""An edit finds its place in any layout of a file, or does not change the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluegrid_registry import (
    Cluster,
    Registry,
    RegistryError,
    Service,
    add_cluster,
    add_service,
    add_version,
    remove_cluster,
    switch,
)
from bluegrid_registry.registry_files.registry import parse
from tests.unit.bluegrid_registry.registry_files.edited import (
    D3,
    DIGEST,
    TEXT,
    V3,
    changed_lines,
    read,
    write,
)


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
def test_an_id_that_looks_like_something_else_is_put_in_quotes(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path, TEXT)
    version = V3.model_copy(update={"id": name})
    add_version(folder, "g1", version)
    assert Registry.load(folder).of_set("g1").versions[-1] == version


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [("2", "2e9"), ("0.5", "512Mi"), ("1.50", "1.50Gi"), ("1e2", "1073741824"), ("500m", "2G")],
)
def test_amounts_are_written_as_they_are(cpu: str, memory: str, tmp_path: Path) -> None:
    folder = write(tmp_path, TEXT)
    cluster = D3.model_copy(update={"cpu": cpu, "memory": memory})
    add_cluster(folder, "line-loading", cluster)
    assert _service_clusters(folder)[-1] == cluster


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


def test_a_service_is_added_as_a_block_with_a_line_for_each_cluster(tmp_path: Path) -> None:
    before = TEXT.partition("\n# The online")[0].replace("\n", "\r\n")
    service = Service.model_validate(
        {
            "name": "s",
            "live": "d3",
            "clusters": [D3.model_dump(exclude_unset=True)],
            "regions": ["north", "east"],
        }
    )
    assert add_service(write(tmp_path, before), "g1", service)
    assert read(tmp_path) == before + (
        "service:\r\n  name: s\r\n  live: d3\r\n  clusters:\r\n"
        "    - {id: d3, version: v2, replicas: 1, cpu: 500m, gpu: 0, memory: 2Gi}\r\n"
        "  regions: [north, east]\r\n"
    )
