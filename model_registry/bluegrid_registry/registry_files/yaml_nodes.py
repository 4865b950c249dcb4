"""Composes YAML text into the nodes of ruamel.yaml, by libyaml where both read the same.

A registry has hundreds of files, and most commands read all of them. ruamel.yaml, which is written in Python,
takes 2.5 ms for a file, libyaml a tenth of that. Both read a file alike that has no directive, tag or anchor,
no tab, and no line end of YAML 1.1 only. All other files, and those that libyaml refuses, go to ruamel.yaml:
messages are always its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import Resolver
from ruamel.yaml.tag import Tag

if TYPE_CHECKING:
    from collections.abc import Callable

_DIFFERENT = re.compile("[\t%\x85\u2028\u2029\ufeff]")
"""Characters that the two parsers may read differently: YAML 1.1 ends lines at three of them."""
AS_WRITTEN = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"}
"""Tags of scalars that are read as their text."""
_SEQUENCE, _MAPPING = (Tag(suffix=f"tag:yaml.org,2002:{kind}") for kind in ("seq", "map"))


class _Unsure(Exception):  # noqa: N818 - not an error: ruamel.yaml reads the text
    """The text has something that only ruamel.yaml is to read."""


def compose(text: str) -> Node | None:
    """Return the root node of one document; None: there is none.

    Raises:
        YAMLError: of ruamel.yaml: the text is not YAML, or has more than one document.
        RecursionError: the text is nested too deeply.
    """
    if yaml.__with_libyaml__ and not _DIFFERENT.search(text):
        try:
            # Not yaml.parse, which calls its parser twice for each event.
            return _document(yaml.CSafeLoader(text).get_event)
        except (_Unsure, yaml.YAMLError):
            pass
    root: Node | None = YAML(typ="safe", pure=True).compose(text)
    return root


def _document(next_event: Callable[[], Any]) -> Node | None:
    """Return the root of the only document of a stream."""
    start = next_event()
    assert isinstance(start, yaml.StreamStartEvent)  # noqa: S101 - what every stream begins with
    if isinstance(next_event(), yaml.StreamEndEvent):
        return None
    root = _node(next_event, next_event())
    end = next_event()
    if end.explicit or not isinstance(next_event(), yaml.StreamEndEvent):
        raise _Unsure
    return root


def _node(next_event: Callable[[], Any], event: Any) -> Node:
    kind = type(event)
    if kind is yaml.AliasEvent or event.anchor is not None or event.tag is not None:
        raise _Unsure
    if kind is yaml.ScalarEvent:
        # The two place an absent value on different lines, and differ about `#` at the start of a block.
        if event.style in ("|", ">") or not (event.value or event.style):
            raise _Unsure
        tag = _tag(event.value, event.implicit)
        return ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style or None)
    if kind is yaml.SequenceStartEvent:
        items = []
        while type(inner := next_event()) is not yaml.SequenceEndEvent:
            items.append(_node(next_event, inner))
        return SequenceNode(_SEQUENCE, items, event.start_mark, inner.end_mark, flow_style=event.flow_style)
    pairs = []
    while type(inner := next_event()) is not yaml.MappingEndEvent:
        pairs.append((_node(next_event, inner), _node(next_event, next_event())))
    return MappingNode(_MAPPING, pairs, event.start_mark, inner.end_mark, flow_style=event.flow_style)


_resolver = Resolver(loadumper=None)


def is_text(value: str) -> bool:
    """Whether YAML 1.2 reads a plain scalar that is not empty as text, not as a number or a truth value."""
    # The rules are by the first character, and most names begin with one that has none.
    return value[0] not in _resolver.yaml_implicit_resolvers or str(_tag(value, (True, False))) in AS_WRITTEN


@lru_cache(maxsize=4096)
def _tag(value: str, implicit: tuple[bool, bool]) -> Tag:
    """Return the tag of a scalar by the rules of YAML 1.2."""
    tag: Tag = _resolver.resolve(ScalarNode, value, implicit)
    return tag
