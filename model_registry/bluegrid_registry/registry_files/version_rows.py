"""The rows of `versions:`, which are nearly all of a large registry's text.

A set that is trained daily gets 365 rows a year, and commands ask for two of them. `push` writes each row on
one line, with the same keys in the same order. A regular expression reads such rows in under 2 µs each, where
parsing YAML takes 15 µs and a pydantic model 3 µs; a `Version` is made of a row when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, overload

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic_core import core_schema

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import DIGEST, LABEL, MAX_LABEL, Digest, Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import GetCoreSchemaHandler


class Version(Frozen):
    """One immutable batch of the set's models."""

    id: Label
    """Unique in the set."""
    manifest: Digest
    """Digest of the version's manifest: it pins every byte that a pod serves."""
    updated: AwareDatetime
    """Time of publication, with its time zone."""


_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_ID = LABEL.replace("(", "(?:")
_FIELDS = rf'\{{id: ({_ID}|"{_ID}"), manifest: "({DIGEST})", updated: ({_TIME})\}}'
_PRINTABLE = r"[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]"
"""A character of a comment that YAML allows, and that ends no line in any version of YAML."""
_LINE_END = rf"(?: +#{_PRINTABLE}*| *)(?:\r?\n|\Z)"
_SKIPPED = rf"(?:(?: *\r?\n)|(?: *#{_PRINTABLE}*(?:\r?\n|\Z)))*+"
_ROW = re.compile(rf"^ *- {_FIELDS}{_LINE_END}", re.MULTILINE)
_TABLE = re.compile(
    # All rows have the indent of the first, and a line that begins with neither a space nor a row follows.
    rf"^versions:{_LINE_END}{_SKIPPED}(?P<rows>(?P<indent> *)- {_FIELDS}{_LINE_END}{_SKIPPED}"
    rf"(?:(?P=indent)- {_FIELDS}{_LINE_END}{_SKIPPED})*+)(?=[^\s-]|\Z)",
    re.MULTILINE,
)
_TIMES = TypeAdapter(list[AwareDatetime])


@dataclass(frozen=True, eq=False)
class VersionRows(Sequence[Version]):
    """Checked rows of `versions:`; each becomes a `Version` when it is needed.

    Attributes:
        ids: the IDs, which are unique.
        text: the lines of the rows, with comments in between.
    """

    ids: tuple[str, ...]
    text: str = field(repr=False)

    def find(self, version_id: str) -> Version | None:
        """Return the version with this ID; None: there is none."""
        for written in (version_id, f'"{version_id}"') if version_id in self.ids else ():
            start = -1
            while (start := self.text.find(f"{{id: {written},", start + 1)) >= 0:
                # A comment may have a row, too.
                row = _ROW.match(self.text, self.text.rfind("\n", 0, start) + 1)
                if row and row[1] == written:
                    return _version(row.groups())
        return None

    @property
    def newest(self) -> Version | None:
        """The version that was updated last; of two at the same time, the later row."""
        times = _times(_ROW.findall(self.text))
        return self.find(self.ids[max(range(len(times)), key=lambda index: (times[index], index))])

    @cached_property
    def _all(self) -> tuple[Version, ...]:
        return tuple(map(_version, _ROW.findall(self.text)))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Version: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Version, ...]: ...
    def __getitem__(self, index: int | slice) -> Version | tuple[Version, ...]:
        return self._all[index]

    def __eq__(self, other: object) -> bool:
        return self._all == tuple(other) if isinstance(other, VersionRows | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)


NOT_READ = VersionRows((), "")
"""In place of the rows of a file that was read without them."""


@dataclass(frozen=True)
class VersionTable:
    """The place of `versions:` in a text, and its rows.

    Attributes:
        start, end: where the key begins, and where the next one does.
        indent: the spaces before each row.
        rows: the rows.
    """

    start: int
    end: int
    indent: str
    rows: VersionRows


def version_table(text: str, is_text: Callable[[str], bool]) -> VersionTable | None:
    """Return the rows of `versions:` if all have the usual form and no mistake; otherwise None.

    Args:
        text: of a registry file.
        is_text: whether YAML reads an ID without quotes as text, not as a number or a truth value.
    """
    found = _TABLE.search(text)
    if found is None:
        return None
    rows = _ROW.findall(found["rows"])
    written = [row[0] for row in rows]
    if not all(is_text(each) for each in written if each[0] != '"'):
        return None
    ids = tuple(each.strip('"') for each in written)
    if len({*ids}) < len(ids) or max(map(len, ids)) > MAX_LABEL:
        return None
    try:
        _times(rows)
    except ValidationError:
        return None
    return VersionTable(found.start(), found.end(), found["indent"], VersionRows(ids, found["rows"]))


def _times(rows: Sequence[Sequence[str]]) -> list[datetime]:
    return _TIMES.validate_python([time for *_, time in rows])


def _version(row: Sequence[Any]) -> Version:
    version_id, manifest, updated = row
    return Version(id=version_id.strip('"'), manifest=manifest, updated=updated)


class _Checked:
    """Lets pydantic take rows that are checked already, and read all others as a tuple of versions."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler.generate_schema(tuple[Version, ...])
        return core_schema.no_info_wrap_validator_function(
            lambda rows, validate: rows if isinstance(rows, VersionRows) else validate(rows),
            schema,
            serialization=core_schema.plain_serializer_function_ser_schema(tuple, return_schema=schema),
        )


Versions = Annotated[Sequence[Version], _Checked]
"""Versions in the order of a file: a tuple, or rows that are made when they are needed."""
