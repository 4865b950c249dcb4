"""YAML text as plain data with line numbers.

`yaml_nodes` composes the nodes; this module converts them to data, and reports mistakes that YAML itself
allows, with their lines. Anchors and aliases are refused: people review these files line by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bluegrid_registry.registry_files.yaml_nodes import AS_WRITTEN, compose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import EllipsisType

Path = tuple[str | int, ...]
"""The keys and indexes that lead to a value, such as ("service", "clusters", 0, "cpu")."""

_TAG = "tag:yaml.org,2002:"
_CONSTRUCTED = {_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"}
_constructor = YAML(typ="safe", pure=True).constructor


_NEXT_KEY = re.compile(r"^[^\s#]", re.MULTILINE)
_MAY_BE_ANCHOR = re.compile(r"(?:^|[\s\ufeff\[\]{},:?])[&*]\S")
"""Matches every anchor and alias that YAML reads, and some texts within quotes; not `"*.log"`."""


_CONFLICT = "<<<<<<< "
"""How a line begins that git has written before the first side of a conflict."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a file."""

    line: int
    """Counted from 1."""
    text: str


@dataclass(frozen=True)
class _Places:
    """Where the values of a text are."""

    nodes: dict[Path, Node] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)


@dataclass
class YamlSource:
    """The data of a YAML file, with the mistakes noted so far.

    Places of values are for mistakes and edits: if the data came without them, the text is parsed for them.
    """

    text: str = ""
    data: Any = None
    mistakes: list[Mistake] = field(default_factory=list)
    _parsed: _Places | None = None

    @property
    def nodes(self) -> Mapping[Path, Node]:
        """The node of each value."""
        return self._places.nodes

    @property
    def has_places(self) -> bool:
        """Whether the places are in memory, which takes 40 bytes for each character."""
        return self._parsed is not None

    @property
    def _places(self) -> _Places:
        if self._parsed is None:
            self._parsed = read_yaml(self.text)._parsed or _Places()
        return self._parsed

    def line(self, path: Path) -> int:
        """Return the line of the value at `path`, or of the nearest existing value around it."""
        lines = self._places.lines
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 1)

    def names(self, *pattern: str | int | EllipsisType) -> Iterator[tuple[str, Path]]:
        """Yield the texts and paths that match `pattern`, in which `...` matches any key or index."""
        for value, path in self.values(*pattern):
            if isinstance(value, str):
                yield value, path

    def values(self, *pattern: str | int | EllipsisType) -> Iterator[tuple[Any, Path]]:
        """Yield the values of any type, otherwise as `names`; rows of `VersionRows` are not among them."""
        yield from _values(self.data, pattern, ())

    def note(self, path: Path, text: str, line: int | None = None) -> None:
        """Add a mistake in the value at `path`; `line` replaces the line of the value."""
        dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        place = f"{dotted.removeprefix('.')}: " if path else ""
        self.mistakes.append(Mistake(line or self.line(path), f"{place}{text}"))


def read_yaml(text: str) -> YamlSource:
    """Read `text`; never raises an error: the result has the mistakes."""
    source = YamlSource(text, _parsed=_Places())
    if conflict := _line_of_conflict(text):
        source.note((), "a conflict of git is not resolved; keep one side, then `git add`", conflict)
        return source
    try:
        source.mistakes.extend(_anchors(text))
        if not source.mistakes:
            root = compose(text)
            source.data = None if root is None else _value(source, root, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or error.context or "not readable").strip()
        source.note((), f"not valid YAML: {problem}", mark.line + 1 if mark else 1)
    except YAMLError as error:
        source.note((), f"not valid YAML: {' '.join(str(error).split())}", 1)
    except RecursionError:
        source.note((), "not readable: nested too deeply", 1)
    return source


def _line_of_conflict(text: str) -> int | None:
    """Return the number of the first line that git has written to mark a conflict."""
    if _CONFLICT not in text:
        return None
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if line.startswith(_CONFLICT)), None)


def block_of(text: str, key: str) -> str:
    """Return the lines of one key of the outermost mapping; all of `text` if its layout is different.

    Reading a file of thousands of versions takes seconds; reading only the lines of `service:` is fast.
    """
    start, end = span_of(text, key)
    return text[start:end]


def span_of(text: str, key: str) -> tuple[int, int]:
    """Return begin and end of `block_of` in the text."""
    start = 0 if text.startswith(f"{key}:") else text.find(f"\n{key}:") + 1
    if not text.startswith(f"{key}:", start):
        return 0, len(text)
    end = _NEXT_KEY.search(text, start + len(key))
    return start, end.start() if end else len(text)


def _values(data: Any, pattern: Sequence[str | int | EllipsisType], path: Path) -> Iterator[tuple[Any, Path]]:
    """Yield the values in `data`, which is at `path`, that match `pattern`, with their paths."""
    if not pattern:
        yield data, path
        return
    if not isinstance(data, dict | list):
        return
    first, rest = pattern[0], pattern[1:]
    values: Any = data
    keys = data if isinstance(data, dict) else range(len(data))
    for key in keys if first is ... else (first,):
        if key in keys:
            yield from _values(values[key], rest, (*path, key))


def _anchors(text: str) -> Iterator[Mistake]:
    # Nearly all files have neither, and parsing a file takes longer than composing it.
    if _MAY_BE_ANCHOR.search(text) is None:
        return
    for event in YAML(typ="safe", pure=True).parse(text):
        if getattr(event, "anchor", None) is not None:
            yield Mistake(event.start_mark.line + 1, "anchors and aliases are not read; write the value out")


def _value(source: YamlSource, node: Node, path: Path) -> Any:
    source._places.nodes[path] = node
    source._places.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return _mapping(source, node, path)
    if isinstance(node, SequenceNode):
        return [_value(source, item, (*path, index)) for index, item in enumerate(node.value)]
    return _scalar(source, cast("ScalarNode", node))


def _mapping(source: YamlSource, node: MappingNode, path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or key_node.tag not in AS_WRITTEN:
            source.note((), "a key is not text; put it in quotes", line)
            continue
        key = key_node.value
        if key in data:
            source.note((*path, key), f"comes twice, first in line {source.line((*path, key))}", line)
            continue
        source._places.lines[(*path, key)] = line
        data[key] = _value(source, value_node, (*path, key))
    return data


def _scalar(source: YamlSource, node: ScalarNode) -> Any:
    tag = node.tag
    if tag in AS_WRITTEN:
        return node.value
    if tag in _CONSTRUCTED:
        return _constructed(tag, node.value)
    source.note((), f"tag {tag} is not read; write a plain value", node.start_mark.line + 1)
    return None


@lru_cache(maxsize=4096)
def _constructed(tag: str, value: str) -> Any:
    """Return a number, a truth value or None; the text itself if it is none of them."""
    try:
        return _constructor.construct_object(ScalarNode(tag, value))
    except ValueError:
        return value
