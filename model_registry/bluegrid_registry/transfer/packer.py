"""Packer, the third stage of a push: distributes models to packs, and records each model's pack and offset.

Models are packed in the order in which they arrive: the order of their UIDs, unless the caller streams them.
The same models make the same packs on any machine. A model that is already in a pack of the base or of this
push is not packed again, and only gets a row in the manifest. The memory of a push does not grow with the
bytes of all models.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.manifest import INLINE, PLACED, TRACED, Manifest, ModelRow, PackRow
from bluegrid_registry.transfer.examples_packer import ExamplesPacker
from bluegrid_registry.transfer.open_pack import OpenPack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bluegrid_registry.formats.lineage import Lineage
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.model_types.signature import ModelSignature
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.open_pack import PackContents
    from bluegrid_registry.transfer.sources import LoadedModel


class Packer:
    """Fills packs, and records the pack and offset of every model of a version.

    Args:
        config: determines when a pack is full.
        base: rows of the base's models.
        base_packs: the packs of these models.
    """

    def __init__(
        self, config: TransferConfig, base: Iterable[ModelRow] = (), base_packs: Iterable[PackRow] = ()
    ) -> None:
        self._config = config
        self._rows = {row.uid: row for row in base}
        self._packs = {pack.name: pack for pack in base_packs}
        self._by_sha256 = {row.sha256: row for row in self._rows.values()}
        self._waiting: dict[str, list[str]] = defaultdict(list)
        """UIDs of models that are in no sealed pack yet, by SHA-256."""
        self._examples = ExamplesPacker(config, self._rows.values())
        self._lineage = {row.uid: row.lineage for row in self._rows.values() if row.lineage is not None}
        self._uids: set[str] = set()
        """UIDs of all models that were passed to `packs` so far."""

    @property
    def models_placed(self) -> int:
        """Number of models passed to `packs` that are in a sealed pack."""
        return len(self._uids) - sum(map(len, self._waiting.values()))

    @property
    def kept(self) -> list[ModelRow]:
        """Rows of the base's models that no model passed to `packs` has replaced so far."""
        return [row for uid, row in self._rows.items() if uid not in self._uids]

    def packs(self, models: Iterable[LoadedModel]) -> Iterator[OpenPack]:
        """Yield packs of the models that are in no pack yet; each as soon as it is full.

        Raises:
            FormatError: a UID comes twice.
        """
        pack = OpenPack(self._config)
        for model in models:
            uid, examples, lineage = model.uid, model.examples, model.lineage
            if not self._is_packed(model):
                if len(model.data) > self._config.pack_bytes and not pack.is_empty:
                    # A large model gets a pack of its own, so that memory suffices.
                    yield pack
                    pack = OpenPack(self._config)
                pack.add(model.data, model.sha256, model.origin)
            self._set_lineage(uid, lineage)
            # This frame must not hold the model while its pack is sent.
            del model
            if pack.is_full:
                yield pack
                pack = OpenPack(self._config)
            yield from self._examples.add(uid, examples)
        if not pack.is_empty:
            yield pack
        yield from self._examples.rest(self.kept)

    def place(self, contents: PackContents) -> int:
        """Record the models of a sealed pack; return how many models of the version it holds."""
        self._packs[contents.row.name] = contents.row
        if contents.holds_examples:
            self._examples.place(contents)
            return 0
        models = 0
        for entry in contents.entries:
            waiting = self._waiting.pop(entry.sha256)
            models += len(waiting)
            for uid in waiting:
                placed = ModelRow(uid=uid, pack=contents.row.name, **entry._asdict())
                self._by_sha256[entry.sha256] = self._rows[uid] = placed
        return models

    def manifest(
        self,
        set_id: str,
        version_id: str,
        model_type: ModelType,
        names: tuple[str, ...] | None = None,
        signature: ModelSignature | None = None,
    ) -> Manifest:
        """Return the version's manifest, once every pack is sealed; ConfigError if there is no model."""
        if not self._rows:
            empty = f"set {set_id} version {version_id}: no model is left"
            raise ConfigError(f"{empty}; a version has at least one")
        models = tuple(self._complete(self._rows[uid]) for uid in sorted(self._rows))
        used = {row.pack for row in models} | {row.examples.pack for row in models if row.examples}
        return Manifest(
            format=self._format(signature),
            set=set_id,
            version=version_id,
            type=model_type,
            globals=names,
            signature=signature,
            packs=tuple(self._packs[name] for name in sorted(used)),
            models=models,
        )

    def _is_packed(self, model: LoadedModel) -> bool:
        """Add the model's row, or note the model for its pack; return False if it must be packed."""
        if model.uid in self._uids:
            raise FormatError(f"{model.origin}: UID {model.uid} comes twice; a device has one model")
        self._uids.add(model.uid)
        known = self._by_sha256.get(model.sha256)
        if known is None:
            is_being_packed = model.sha256 in self._waiting
            self._waiting[model.sha256].append(model.uid)
            return is_being_packed
        self._rows[model.uid] = replace(known, uid=model.uid, example=None, examples=None, lineage=None)
        return True

    def _set_lineage(self, uid: str, lineage: Lineage | None) -> None:
        if lineage is None:
            self._lineage.pop(uid, None)
        else:
            self._lineage[uid] = lineage

    def _complete(self, row: ModelRow) -> ModelRow:
        """Return the row with the examples and the lineage of its model."""
        examples, lineage = self._examples.of(row.uid), self._lineage.get(row.uid)
        if row.example is None and row.examples is examples and row.lineage is lineage:
            return row
        return replace(row, example=None, examples=examples, lineage=lineage)

    def _format(
        self, signature: ModelSignature | None
    ) -> Literal["bluegrid-manifest/1", "bluegrid-manifest/2", "bluegrid-manifest/3"]:
        """Return the lowest format that holds the version, since older releases read fewer."""
        if self._lineage.keys() & self._rows.keys():
            return TRACED
        return PLACED if self._examples.is_used or signature is not None else INLINE
