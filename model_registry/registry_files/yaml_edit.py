"""Small changes to YAML text that leave every other byte as it is.

A YAML writer, also one that keeps comments, sets indents, spaces and line ends its own way and moves the
comment after a list's last item; reviewers then read changes that nobody made. So a change is made in the
text, at the place that the parser names. Whoever calls checks that the new text says exactly what was
wanted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from model_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from model_registry.registry_files.yaml_source import Path


def word(text: str) -> str:
    """Return `text` as a YAML scalar that is read as this very text: plain, or in quotes where it must be."""
    return text if read_yaml(f"[{text}]").data == [text] else json.dumps(text)


def number_or_word(text: str) -> str:
    """Return `text` as a YAML scalar, plain also if it is a number that is written like this."""
    data = read_yaml(f"[{text}]").data
    return text if isinstance(data, list) and [str(item) for item in data] == [text] else json.dumps(text)


def replace(text: str, path: Path, value: str) -> str:
    """Return `text` with the YAML `value` at `path`."""
    node = read_yaml(text).nodes[path]
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def replace_word(text: str, path: Path, value: str) -> str:
    """Return `text` with the word at `path` replaced; in quotes if the old one was."""
    style = cast("ScalarNode", read_yaml(text).nodes[path]).style
    return replace(text, path, f"{style}{value}{style}" if style in ("'", '"') else word(value))


def append(text: str, path: Path, entry: str) -> str:
    """Return `text` with `entry` (an item, or `key: value`) at the end of the list or mapping at `path`."""
    source = read_yaml(text)
    node = cast("CollectionNode", source.nodes[path])
    parent = cast("MappingNode", source.nodes[path[:-1]])
    dash = "" if isinstance(node, MappingNode) else "- "
    if not node.flow_style:
        end = _line_end(text, _end(text, node))
        return f"{text[:end]}{_newline(text)}{' ' * node.start_mark.column}{dash}{entry}{text[end:]}"
    has_comment = "#" in text[node.start_mark.index : node.end_mark.index]
    if node.value or parent.flow_style or has_comment:
        end = _end(text, node) - 1
        inside = len(text[:end].rstrip())
        comma = "" if not node.value else " " if text[inside - 1] == "," else ", "
        return f"{text[:inside]}{comma}{entry}{text[inside:]}"
    # `versions: []` shows no indent yet: the list goes below its key.
    indent = next(key.start_mark.column for key, value in parent.value if value is node) + 2
    before = text[: node.start_mark.index].rstrip()
    return f"{before}{_newline(text)}{' ' * indent}{dash}{entry}{text[node.end_mark.index :]}"


def remove(text: str, path: Path, index: int) -> str:
    """Return `text` without an item of the list at `path`; from a block list its whole lines go."""
    source = read_yaml(text)
    node = cast("CollectionNode", source.nodes[path])
    items = node.value
    if not node.flow_style:
        start = text.rfind("\n", 0, items[index].start_mark.index) + 1
        end = text.find("\n", _end(text, items[index]))
        rest = text[end + 1 :] if end >= 0 else ""
        if len(items) > 1:
            return text[:start] + rest
        # A key without items below it would say null.
        parent = cast("MappingNode", source.nodes[path[:-1]])
        key_end = next(key.end_mark.index for key, value in parent.value if value is node)
        colon = text.index(":", key_end) + 1
        return f"{text[:colon]} []{text[colon:start]}{rest}"
    if index + 1 < len(items):
        start, end = items[index].start_mark.index, items[index + 1].start_mark.index
    else:
        start = _end(text, items[index - 1]) if index else items[index].start_mark.index
        end = _end(text, items[index])
    return text[:start] + text[end:]


def _end(text: str, node: Node) -> int:
    # A block's own end mark stands after the blank lines and comments that follow it.
    if isinstance(node, CollectionNode) and not node.flow_style:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip())


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text[: end if end >= 0 else len(text)].rstrip("\r"))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
