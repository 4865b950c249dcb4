"""Packs the recorded examples of a push, and records where each model's examples lie.

Examples go to packs of their own: the packs of models do not depend on them, and a zstd dictionary fits
either models or examples. Equal examples are packed once. Examples within the manifest of the base (format 1)
are packed at the end, for the models that the version takes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.formats.manifest import ExamplesRow
from bluegrid_registry.transfer.open_pack import OpenPack
from bluegrid_registry.transfer.sources import LoadedExamples

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from bluegrid_registry.formats.manifest import ModelRow
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.open_pack import PackContents


class ExamplesPacker:
    """Fills packs with examples, for a `Packer`.

    Args:
        config: determines when a pack is full.
        base: rows of the base's models.
    """

    def __init__(self, config: TransferConfig, base: Collection[ModelRow]) -> None:
        placed = [(row.uid, row.examples) for row in base if row.examples is not None]
        self._config = config
        self._digests = {uid: examples.sha256 for uid, examples in placed}
        """SHA-256 of the examples of each model, by UID."""
        self._placed = {examples.sha256: examples for _, examples in placed}
        self._packed = set(self._placed)
        """SHA-256 of all examples that are in a pack, sealed or not."""
        self._pack = OpenPack(config, holds_examples=True)

    @property
    def is_used(self) -> bool:
        """Whether a model of the version has examples."""
        return bool(self._digests)

    def add(self, uid: str, examples: LoadedExamples | None) -> Iterable[OpenPack]:
        """Set the examples of a model; return the pack that is full with them, if one is."""
        if examples is None:
            self._digests.pop(uid, None)
            return ()
        self._digests[uid] = examples.sha256
        if examples.sha256 in self._packed:
            return ()
        self._packed.add(examples.sha256)
        self._pack.add(examples.data, examples.sha256, f"examples of model {uid}")
        return (self._closed(),) if self._pack.is_full else ()

    def rest(self, rows: Iterable[ModelRow]) -> Iterator[OpenPack]:
        """Add the examples within these rows of a base of format 1; yield the packs that are left."""
        for row in rows:
            if row.example is not None:
                yield from self.add(row.uid, LoadedExamples.of((row.example,), row.uid))
        if not self._pack.is_empty:
            yield self._closed()

    def place(self, contents: PackContents) -> None:
        """Record the examples of a sealed pack."""
        for entry in contents.entries:
            self._placed[entry.sha256] = ExamplesRow(pack=contents.row.name, **entry._asdict())

    def of(self, uid: str) -> ExamplesRow | None:
        """Return the place of a model's examples, once every pack is sealed; None: it has none."""
        sha256 = self._digests.get(uid)
        return None if sha256 is None else self._placed[sha256]

    def _closed(self) -> OpenPack:
        pack, self._pack = self._pack, OpenPack(self._config, holds_examples=True)
        return pack
