"""Reads the recorded examples of a version: from its fetched folder, or from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.formats.example import parse_examples
from bluegrid_registry.formats.manifest import examples_frames
from bluegrid_registry.transfer import config as transfer_config
from bluegrid_registry.transfer.progress import ignore
from bluegrid_registry.transfer.unpacker import unpack_all
from bluegrid_registry.transfer.version_folder import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bluegrid_registry.formats.example import AnyExample
    from bluegrid_registry.formats.manifest import ExamplesFrame, Frame, Manifest, ModelRow
    from bluegrid_registry.stores import Store


class RecordedExamples(Mapping[str, "tuple[AnyExample, ...]"]):
    """Recorded examples by UID, of the models that have any; parsed when they are requested.

    Args:
        rows: of the models.
        document: returns the document of a model's examples, verified.
    """

    def __init__(self, rows: Sequence[ModelRow], document: Callable[[ExamplesFrame], bytes]) -> None:
        self._rows = {row.uid: row for row in rows if row.has_examples}
        self._document = document

    def __getitem__(self, uid: str) -> tuple[AnyExample, ...]:
        """Return the examples of a model; FormatError if its document is not valid."""
        row = self._rows[uid]
        if row.example is not None:
            return (row.example,)
        (frame,) = examples_frames([row])
        document = self._document(frame)
        try:
            return parse_examples(document, f"examples of model {uid}")
        except ValueError as error:
            raise FormatError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def fetched_examples(folder: Path, manifest: Manifest, rows: Sequence[ModelRow]) -> RecordedExamples:
    """Return the recorded examples in the folder of a fetched version."""
    return RecordedExamples(rows, lambda frame: (folder / file_name(manifest, frame)).read_bytes())


def stored_examples(store: Store, manifest: Manifest, rows: Sequence[ModelRow]) -> RecordedExamples:
    """Fetch the recorded examples of models of a version into memory, verified.

    Raises:
        IntegrityError: bytes are damaged, also when fetched once more.
        ObjectMissing, StoreError: as raised by the store.
    """
    documents: dict[str, bytes] = {}

    def take(frame: Frame, document: bytes) -> None:
        documents[frame.sha256] = document

    unpack_all(store, manifest, examples_frames(rows), take, ignore, transfer_config.DEFAULT)
    return RecordedExamples(rows, lambda frame: documents[frame.sha256])
