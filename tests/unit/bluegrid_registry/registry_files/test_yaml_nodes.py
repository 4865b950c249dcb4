"""libyaml and ruamel.yaml make the same nodes of a text, with the same places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from bluegrid_registry.registry_files import yaml_nodes
from bluegrid_registry.registry_files.yaml_nodes import compose
from bluegrid_registry.registry_files.yaml_source import read_yaml

FILE = """\
# A registry file, as people write it.
set: {id: g1, name: 'Line loading, 110 kV', task: regression, type: scikit-learn/skops, source: platform}
versions:
  - {id: v1, manifest: "sha256:00", updated: 2026-11-22T08:00:00Z}
  - id: v2
    manifest: "sha256:01"  # the second
    updated: 2026-11-23T08:00:00Z
service:
  name: line-loading
  live: {default: d1, north: d2}
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 0.5, gpu: 0, memory: 2Gi}
  regions: [north, 东]
"""
PIECES = [
    *("a", "1", "0o17", "0x1f", "1e3", "1_000", "12:30", ".inf", "true", "yes", "~", "null", "=", "<<: "),
    *("b: ", ": ", "- ", "? ", "-", "?", "{", "}", "[", "]", ", ", ",", '"', "'", "#", " #", '"a":1'),
    *(
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "|\n",
        ">-\n",
        "---\n",
        "...\n",
        "\t",
        "&x ",
        "*x",
        "!t ",
        "%YAML 1.1\n",
    ),
    *("sha256:ab", "http://x", "2026-11-22", "é", "\\n", "\\", "@", "`", "\x85", "\u2028", "\ufeff"),
]


def described(node: Any) -> Any:
    """Return all that a node has and that edits and messages use; None stays None."""
    if node is None:
        return None
    place = (node.start_mark.line, node.start_mark.column, node.start_mark.index)
    if isinstance(node, ScalarNode):
        return node.tag, node.value, node.style, place, node.end_mark.index
    if isinstance(node, MappingNode):
        inner = [(described(key), described(value)) for key, value in node.value]
    else:
        inner = [described(item) for item in node.value]
    return node.tag, node.flow_style, place, inner


def nodes(text: str, composed: Any) -> Any:
    try:
        return described(composed(text))
    except YAMLError as error:
        return str(error)


def by_ruamel(text: str) -> Any:
    return YAML(typ="safe", pure=True).compose(text)


# ruamel.yaml warns of an anchor that comes twice; the registry refuses anchors before.
@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_gives_the_nodes_or_the_error_of_ruamel(text: str) -> None:
    assert nodes(text, compose) == nodes(text, by_ruamel)


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_the_nodes_or_the_error_of_ruamel(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(FILE)))
    taken = data.draw(st.integers(0, 4))
    text = FILE[:place] + data.draw(st.sampled_from(PIECES)) + FILE[place + taken :]
    assert nodes(text, compose) == nodes(text, by_ruamel)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "&x", "*", '"*.log"', "'&x'"]), max_size=8).map("".join))
def test_an_anchor_is_a_mistake_wherever_yaml_reads_one(text: str) -> None:
    try:
        events = YAML(typ="safe", pure=True).parse(text)
        has_anchor = any(getattr(event, "anchor", None) is not None for event in events)
    except YAMLError:
        has_anchor = False
    assert not has_anchor or "anchors and aliases are not read" in str(read_yaml(text).mistakes)


def test_a_usual_file_is_read_by_libyaml_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = nodes(FILE, by_ruamel)
    monkeypatch.setattr(yaml_nodes, "YAML", None)
    assert nodes(FILE, compose) == expected


def test_a_file_is_read_where_pyyaml_has_no_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert nodes(FILE, compose) == nodes(FILE, by_ruamel)
