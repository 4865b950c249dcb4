"""Small changes to YAML text that leave every other byte as it is.

A YAML writer, even one that keeps comments, writes indents, spaces and line ends its own way and moves the
comment after a list's last item: reviewers would read changes that nobody made. This module changes the text
at the parser's positions instead. The caller checks that the new text parses to exactly the new data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from bluegrid_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from bluegrid_registry.registry_files.yaml_source import Path, YamlSource

_AMOUNTS = ("cpu", "memory")


def rewritten(source: YamlSource, old: Any, new: Any, path: Path = ()) -> YamlSource:
    """Return `source` with `new` in the place of `old`, at `path`.

    Both are plain data. Keys and items may be added at the end, and removed; the order of keys is ignored.
    Items with an `id` are identified by it. A list in another order is written anew, on one line.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        if old and not old.keys() & new.keys():
            # Without its keys a block would be empty, which means null.
            return _replaced(source, path, new)
        for key in old.keys() - new.keys():
            # Plain data need not be in the file's order.
            mapping = cast("MappingNode", source.nodes[path])
            index = [name.value for name, _ in mapping.value].index(key)
            source = read_yaml(_remove(source, path, index))
        for key, value in new.items():
            if key not in old:
                source = read_yaml(_append(source, path, _entry(source, path, key, value)))
            elif value != old[key]:
                source = rewritten(source, old[key], value, (*path, key))
        return source
    if isinstance(old, list) and isinstance(new, list):
        return _with_items(source, old, new, path)
    node = source.nodes[path]
    if isinstance(node, CollectionNode):
        return _replaced(source, path, new)
    quotes = node.style if isinstance(node, ScalarNode) and node.style in ("'", '"') else ""
    quoted = f"{quotes}{new}{quotes}"
    value = quoted if quotes and read_yaml(quoted).data == new else in_one_line(new, str(path[-1]))
    return read_yaml(source.text[: node.start_mark.index] + value + source.text[node.end_mark.index :])


def _with_items(source: YamlSource, old: list[Any], new: list[Any], path: Path) -> YamlSource:
    # Dicts, because there may be thousands of items.
    before, after = (dict(zip(_names(items), items, strict=True)) for items in (old, new))
    kept = [name for name in before if name in after]
    added = [name for name in after if name not in before]
    occurs_once = (len(before), len(after)) == (len(old), len(new))
    if not occurs_once or [*after] != [*kept, *added]:
        return _replaced(source, path, new)
    for index, name in reversed([*enumerate(before)]):
        if name not in after:
            source = read_yaml(_remove(source, path, index))
    for index, name in enumerate(kept):
        if before[name] != after[name]:
            source = rewritten(source, before[name], after[name], (*path, index))
    for name in added:
        source = read_yaml(_append(source, path, in_one_line(after[name])))
    return source


def _replaced(source: YamlSource, path: Path, new: Any) -> YamlSource:
    """Return `source` with another value, on one line, in the place of a list or mapping."""
    text, node = source.text, cast("CollectionNode", source.nodes[path])
    value, end = in_one_line(new, str(path[-1])), _end(text, node)
    if node.flow_style:
        return read_yaml(text[: node.start_mark.index] + value + text[end:])
    colon = _colon(source, path)
    return read_yaml(f"{text[:colon]} {value}{text[end:]}")


def _colon(source: YamlSource, path: Path) -> int:
    """Return the index after the colon between a key and its value at `path`."""
    parent = cast("MappingNode", source.nodes[path[:-1]])
    key_end = next(key.end_mark.index for key, value in parent.value if value is source.nodes[path])
    return source.text.index(":", key_end) + 1


def _names(items: list[Any]) -> list[str]:
    """Return identifiers of the items: their IDs, otherwise their whole values."""
    ids = [str(item.get("id")) if isinstance(item, dict) else "" for item in items]
    return ids if all(ids) and len({*ids}) == len(items) else [json.dumps(item) for item in items]


def in_one_line(value: Any, key: str = "") -> str:
    """Return plain data as YAML in flow style, as people write the value of `key`."""
    if isinstance(value, dict):
        entries = (f"{_scalar(name)}: {in_one_line(inner, name)}" for name, inner in value.items())
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(in_one_line, value))}]"
    return _scalar(value, key)


def _entry(source: YamlSource, path: Path, key: str, value: Any) -> str:
    """Return a new key with its value: on one line, or as a block of the file, with a line for each item."""
    node = cast("CollectionNode", source.nodes[path])
    if path or node.flow_style or not isinstance(value, dict):
        return f"{_scalar(key)}: {in_one_line(value, key)}"
    lines = [f"{key}:"]
    for name, inner in value.items():
        if isinstance(inner, list) and any(isinstance(item, dict) for item in inner):
            lines += [f"  {name}:", *(f"    - {in_one_line(item)}" for item in inner)]
        else:
            lines.append(f"  {name}: {in_one_line(inner, name)}")
    return _newline(source.text).join(lines)


def _scalar(value: object, key: str = "") -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    data = read_yaml(f"[{value}]").data
    # An amount is text even if it looks like a number; a digest could be parsed as a key and its value.
    is_plain = [str(item) if key in _AMOUNTS else item for item in data or ()] == [value]
    return value if is_plain and key != "manifest" else json.dumps(value)


def _append(source: YamlSource, path: Path, entry: str) -> str:
    """Return the text with `entry` (an item, or `key: value`) at the end of the list or mapping at `path`."""
    text = source.text
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
    # `versions: []` has no indent to copy: the list goes below its key.
    indent = next(key.start_mark.column for key, value in parent.value if value is node) + 2
    before = text[: node.start_mark.index].rstrip()
    return f"{before}{_newline(text)}{' ' * indent}{dash}{entry}{text[node.end_mark.index :]}"


def _remove(source: YamlSource, path: Path, index: int) -> str:
    """Return the text without an item of the list or mapping at `path`; a block loses whole lines."""
    text = source.text
    node = cast("CollectionNode", source.nodes[path])
    items = [_span(text, item) for item in node.value]
    if not node.flow_style:
        start = text.rfind("\n", 0, items[index][0]) + 1
        end = text.find("\n", items[index][1])
        rest = text[end + 1 :] if end >= 0 else ""
        if len(items) == 1:
            # A key without items below it would mean null.
            colon = _colon(source, path)
            return f"{text[:colon]} []{text[colon:start]}{rest}"
        if isinstance(node, MappingNode) and text[start : items[index][0]].strip():
            # The first key of a list's item follows a dash, which stays.
            return text[: items[index][0]] + text[items[index + 1][0] :]
        return text[:start] + rest
    if index + 1 < len(items):
        start, end = items[index][0], items[index + 1][0]
    else:
        start = items[index - 1][1] if index else items[index][0]
        end = items[index][1]
    return text[:start] + text[end:]


def _span(text: str, item: Node | tuple[Node, Node]) -> tuple[int, int]:
    """Return begin and end of an item of a list, or of a key and its value."""
    first, last = item if isinstance(item, tuple) else (item, item)
    return first.start_mark.index, _end(text, last)


def _end(text: str, node: Node) -> int:
    # A block's own end mark is after the blank lines and comments that follow the block.
    if isinstance(node, CollectionNode) and not node.flow_style:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip())


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text[: end if end >= 0 else len(text)].rstrip("\r"))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
