"""Packing: which models lie in which pack, and the manifest that says so.

A model that a base version holds already, or that two devices share, is packed once. Models are packed in
the order of their UIDs, so the same models make the same packs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_registry.errors import FormatError
from model_registry.formats.checksums import Checksum, sha256_hex
from model_registry.formats.manifest import Manifest, ModelRow, PackRow, StoredChecksum
from model_registry.formats.pack import PackEntry, PackWriter, is_bomb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_registry.model_types.model_type import ModelType
    from model_registry.transfer.models import SourceModel


@dataclass(frozen=True)
class Pack:
    """A finished pack, ready to be sent."""

    data: bytes
    row: PackRow
    checksum: Checksum
    entries: tuple[PackEntry, ...]


class Packing:
    """Where every model of a version lies, as packs are filled.

    Args:
        models: the models to add, or to put in the place of the base's.
        base: the manifest to start from.
    """

    def __init__(self, models: Sequence[SourceModel], base: Manifest | None) -> None:
        self._models = sorted(models, key=lambda model: model.uid)
        self._base_rows = {row.uid: row for row in base.models} if base else {}
        self._pack_rows = {pack.sha256: pack for pack in base.packs} if base else {}
        self._places = {
            row.sha256: (row.pack, PackEntry(row.offset, row.length, row.raw_length, row.sha256))
            for row in self._base_rows.values()
        }
        self._sha256_by_uid: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Models of the version."""
        return len(self._base_rows.keys() | {model.uid for model in self._models})

    def packs(self) -> Iterator[Pack]:
        """Read the models, and yield packs of those that lie nowhere yet; only one is filled at a time."""
        writer = PackWriter()
        filling: set[str] = set()
        for model in self._models:
            data = model.read()
            sha256 = sha256_hex(data)
            self._sha256_by_uid[model.uid] = sha256
            if sha256 in self._places or sha256 in filling:
                continue
            entry = writer.add(data, sha256)
            filling.add(sha256)
            if is_bomb(entry.length, entry.raw_length):
                shrinks = f"shrinks from {entry.raw_length} to {entry.length} bytes"
                raise FormatError(f"{model.path}: {shrinks}, which no reader accepts; is it a model?")
            if writer.is_full:
                yield self._close(writer)
                writer, filling = PackWriter(), set()
        if writer.entries:
            yield self._close(writer)

    def manifest(self, set_id: str, version_id: str, model_type: ModelType) -> Manifest:
        """Return the version's manifest, once `packs` has ended."""
        rows = dict(self._base_rows)
        for model in self._models:
            pack, entry = self._places[self._sha256_by_uid[model.uid]]
            rows[model.uid] = ModelRow(uid=model.uid, pack=pack, example=model.example, **entry._asdict())
        used = {row.pack for row in rows.values()}
        return Manifest(
            set=set_id,
            version=version_id,
            type=model_type,
            packs=tuple(self._pack_rows[sha256] for sha256 in sorted(used)),
            models=tuple(rows[uid] for uid in sorted(rows)),
        )

    def _close(self, writer: PackWriter) -> Pack:
        data = writer.to_bytes()
        sha256, checksum = sha256_hex(data), Checksum.of(data)
        stored = StoredChecksum(algorithm=checksum.algorithm, value=checksum.value)
        row = PackRow(sha256=sha256, size=len(data), checksum=stored)
        self._pack_rows[sha256] = row
        self._places.update({entry.sha256: (sha256, entry) for entry in writer.entries})
        return Pack(data, row, checksum, tuple(writer.entries))
