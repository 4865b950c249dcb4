"""Reads skops files as data, thousands of them: schemas that differ only in addresses are read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.scikit_learn.data.described import TREE
from bluegrid_server.frameworks.scikit_learn.data.npy import array_of
from bluegrid_server.frameworks.scikit_learn.data.recipes import recipe_of
from bluegrid_server.frameworks.scikit_learn.data.skops_nodes import Nodes
from bluegrid_server.frameworks.scikit_learn.data.zip_members import members_of
from bluegrid_server.frameworks.scikit_learn.other_releases import log_other_releases

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks.model import Model
    from bluegrid_server.frameworks.scikit_learn.data.linear import LinearRecipe
    from bluegrid_server.frameworks.scikit_learn.data.trees import TreesRecipe

_SCHEMA = "schema.json"
_OBJECT = re.compile(rb'"__id__": (\d+)')
_FILE = re.compile(rb'"file": "(\d+)\.npy"')
"""Numbers of objects and names of files: addresses, other in each file. In a text within JSON, the quotes
would be escaped."""
_MAX_KEPT = 32
"""Maximum number of schemas that are kept: most sets have one."""
_MAX_KEPT_BYTES = 2**16
"""Maximum size of a schema that is kept."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A schema that was read; `files` are the places of the arrays among the names of files."""

    recipe: LinearRecipe | TreesRecipe
    files: tuple[int, ...]


def reader(trust: frozenset[str]) -> Callable[[bytes], Model]:
    """Return the reader of skops files; `trust` names the types that the set trusts."""
    return SkopsReader(version("scikit-learn"), trusts_trees=TREE in trust).read


class SkopsReader:
    """Reads models of skops files.

    Args:
        image: the release of scikit-learn in this image.
        trusts_trees: whether the set trusts the nodes of trees; all other types are trusted by skops itself.
    """

    def __init__(self, image: str, *, trusts_trees: bool = False) -> None:
        self._image = image
        self._trusts_trees = trusts_trees
        self._kept: dict[tuple[object, ...], _Read] = {}

    def read(self, data: bytes) -> Model:
        """Return the model of a file.

        Raises:
            NotDataError, NotCompiledError: scikit-learn has to load the file.
            Exception: of any class, if the file is damaged.
        """
        members = members_of(data)
        check(_SCHEMA in members, "no schema")
        schema = members.pop(_SCHEMA)
        names = _FILE.findall(schema)
        read = self._read(schema, names)
        files = [names[place].decode() + ".npy" for place in read.files]
        check(members.keys() == {*files}, "other arrays than in the schema")
        model = read.recipe.model([array_of(members[name]) for name in files])
        log_other_releases(read.recipe.releases, self._image)
        return model

    def _read(self, schema: bytes, names: list[bytes]) -> _Read:
        if len(schema) > _MAX_KEPT_BYTES:
            return self._read_anew(schema, names)
        split = _OBJECT.split(_FILE.sub(b'"file": ', schema))
        # The texts between the addresses, and which addresses are equal: these are of one object.
        key = tuple(split[::2]), _pattern(split[1::2]), _pattern(names)
        read = self._kept.get(key)
        if read is None:
            read = self._read_anew(schema, names)
            if len(self._kept) < _MAX_KEPT:
                self._kept[key] = read
        return read

    def _read_anew(self, schema: bytes, names: list[bytes]) -> _Read:
        nodes = Nodes()
        root = nodes.root(schema)
        check(TREE not in nodes.kinds or self._trusts_trees, "a type that is not trusted")
        recipe = recipe_of(root)
        places = {name.decode() + ".npy": place for place, name in reversed([*enumerate(names)])}
        return _Read(recipe, tuple(places[name] for name in nodes.files))


def _pattern(addresses: list[bytes]) -> tuple[int, ...]:
    numbers: dict[bytes, int] = {}
    return tuple([numbers.setdefault(address, len(numbers)) for address in addresses])
