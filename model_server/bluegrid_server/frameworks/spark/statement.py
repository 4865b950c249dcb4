"""The SQL of a SQLTransformer: the columns that it reads and makes, as Spark itself finds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.spark.session import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TABLE = "__THIS__"
"""The name by which a statement calls the table that it gets."""
_CATALYST = "org.apache.spark.sql.catalyst"
_UNRESOLVED = f"{_CATALYST}.analysis.UnresolvedAttribute"
_RESOLVED = f"{_CATALYST}.expressions.AttributeReference"
_ALIAS = f"{_CATALYST}.expressions.Alias"
_CAST = f"{_CATALYST}.expressions.Cast"
_LITERAL = f"{_CATALYST}.expressions.Literal"
_OF_WORDS = ("string", "date", "timestamp")
"""Types of which Spark makes a column that is expected to hold words: dates and times come as words too."""


@dataclass(frozen=True)
class Statement:
    """A statement.

    Attributes:
        reads: columns that it reads by name.
        makes: columns that it makes, by their aliases.
        renamed: by alias, the column that it renames.
        made_words: columns that it converts to words itself.
    """

    reads: tuple[str, ...]
    makes: tuple[str, ...]
    renamed: Mapping[str, str]
    made_words: frozenset[str]

    @classmethod
    def parsed(cls, text: str) -> Statement:
        """Parse a statement; raise an error of Spark if it cannot be parsed."""
        plan = session()._jsparkSession.sessionState().sqlParser().parsePlan(text)
        trees = list(_trees(json.loads(plan.toJSON())))
        aliases = [tree for tree in trees if tree.kind == _ALIAS]
        names = {alias.fields["name"] for alias in aliases}
        reads: dict[str, None] = {}
        for tree in trees:
            # `a * 2 AS a` reads a column; elsewhere the name of an alias is the alias.
            own = tree.fields["name"] if tree.kind == _ALIAS else None
            columns = [_column(node) for node in tree.all() if node.kind == _UNRESOLVED]
            reads |= dict.fromkeys(column for column in columns if column == own or column not in names)
        renamed = {
            alias.fields["name"]: _column(alias.children[0])
            for alias in aliases
            if alias.children[0].kind == _UNRESOLVED
        }
        made_words = frozenset(
            _column(node.children[0])
            for tree in trees
            for node in tree.all()
            if _is_cast_to_words(node) and node.children[0].kind == _UNRESOLVED
        )
        return cls(tuple(reads), tuple(dict.fromkeys(a.fields["name"] for a in aliases)), renamed, made_words)


def words_in(analyzed: Any) -> set[str]:
    """Return the columns that hold words, though the analyzed plan was told that they hold numbers.

    Such a plan converts the column to a string, or a string beside the column to a number.
    """
    nodes = [node for tree in _trees(json.loads(analyzed.toJSON())) for node in tree.all()]
    return {
        child.fields["name"]
        for node in nodes
        for child in node.children
        if child.kind == _RESOLVED and (_is_cast_to_words(node) or any(map(_is_cast_word, node.children)))
    }


def _is_cast_to_words(node: _Node) -> bool:
    return node.kind == _CAST and str(node.fields["dataType"]).startswith(_OF_WORDS)


def _is_cast_word(node: _Node) -> bool:
    """Return whether a string in the statement is converted to something else."""
    return (
        node.kind == _CAST
        and node.children[0].kind == _LITERAL
        and node.children[0].fields["dataType"] == "string"
    )


@dataclass(frozen=True)
class _Node:
    """An expression."""

    kind: str
    fields: Mapping[str, Any]
    children: tuple[_Node, ...]

    def all(self) -> Iterator[_Node]:
        """Yield the expressions of the tree below this one, and those of subqueries within it."""
        yield self
        for value in self.fields.values():
            if isinstance(value, list) and value and _is_operator(value[0]):
                for tree in _trees(value):
                    yield from tree.all()
        for child in self.children:
            yield from child.all()


def _trees(operators: Sequence[Mapping[str, Any]]) -> Iterator[_Node]:
    """Yield the expressions of a plan, which is a list of operators in Spark's JSON."""
    for operator in operators:
        for value in operator.values():
            yield from _expressions(value)


def _expressions(value: Any) -> Iterator[_Node]:
    """Yield the expressions in an operator's field; a tree is a list of its nodes, parents first."""
    if not isinstance(value, list) or not value:
        return
    if isinstance(value[0], dict) and "num-children" in value[0]:
        if not _is_operator(value[0]):
            yield _tree(iter(value))
        return
    for each in value:
        yield from _expressions(each)


def _is_operator(value: Any) -> bool:
    return isinstance(value, dict) and ".plans." in value.get("class", "")


def _tree(nodes: Iterator[Mapping[str, Any]]) -> _Node:
    fields = next(nodes)
    return _Node(fields["class"], fields, tuple([_tree(nodes) for _ in range(fields["num-children"])]))


def _column(node: _Node) -> str:
    parts: Sequence[str] = node.fields["nameParts"].strip("[]").split(", ")
    return parts[1] if parts[0] == _TABLE and len(parts) > 1 else parts[0]
