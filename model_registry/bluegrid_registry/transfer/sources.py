"""Sources, the first stage of a push: reads and hashes models from memory or disk, a little ahead.

A model is a file or a folder; a folder is read as one archive of its files, a compressed pickle as its plain
bytes.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.archive import archive
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.formats.example import MAX_EXAMPLES_BYTES, examples_document
from bluegrid_registry.formats.manifest import MAX_MODEL_BYTES
from bluegrid_registry.formats.pack import most_raw_bytes
from bluegrid_registry.names import check_uid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from bluegrid_registry.formats.example import AnyExample
    from bluegrid_registry.formats.lineage import Lineage
    from bluegrid_registry.transfer.config import TransferConfig


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A model to push."""

    uid: str
    content: Path | bytes
    """The model's bytes, or the path of its file or folder."""
    examples: tuple[AnyExample, ...] = ()
    """Requests with the answers of training, which a loaded model must reproduce."""
    file_bytes: int | None = None
    """Size of the file in bytes, if it is known already."""
    is_ignored: Callable[[str], bool] | None = None
    """For a folder: whether to leave out a path below it; None: no path is left out."""
    lineage: Lineage | None = None
    """Who trained the model, from what, and how good it was then."""
    names: frozenset[str] | None = None
    """What the model names, if a `ModelCheck` has read it before, so that the push need not read it again."""

    @property
    def origin(self) -> str:
        """The origin of the model, for messages."""
        return f"model {self.uid}" if isinstance(self.content, bytes) else str(self.content)

    def size(self) -> int:
        """Return the approximate size of the model in bytes; ConfigError if it cannot be read."""
        if isinstance(self.content, bytes):
            return len(self.content)
        if self.file_bytes is not None:
            return self.file_bytes
        try:
            return _size(self.content)
        except OSError as error:
            raise self._unreadable(error) from None

    def read(self) -> bytes:
        """Return the model's bytes; for a folder, its archive.

        Raises:
            FormatError: the model is empty or too large, or a folder that cannot be a model.
            ConfigError: the model cannot be read.
        """
        if isinstance(self.content, bytes):
            data = self.content
        else:
            try:
                data = _read(self.content, self.file_bytes, self.is_ignored)
            except OSError as error:
                raise self._unreadable(error) from None
        if not 0 < len(data) <= MAX_MODEL_BYTES:
            raise FormatError(f"{self.origin}: {len(data)} bytes; a model has 1 byte to 4 GiB")
        return data

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self.origin}: cannot be read: {error.strerror or error}")


class LoadedExamples(NamedTuple):
    """A model's recorded examples in memory."""

    data: bytes
    """Their document."""
    sha256: str

    @classmethod
    def of(cls, examples: Sequence[AnyExample], uid: str) -> LoadedExamples | None:
        """Return the examples of a model, or None if it has none; FormatError if they are too large."""
        if not examples:
            return None
        data = examples_document(examples)
        if len(data) > MAX_EXAMPLES_BYTES:
            limit = f"a model has at most {MAX_EXAMPLES_BYTES} bytes"
            raise FormatError(f"model {uid}: {len(data)} bytes of recorded examples; {limit}")
        return cls(data, sha256_hex(data))


class LoadedModel(NamedTuple):
    """A model in memory."""

    uid: str
    examples: LoadedExamples | None
    origin: str
    data: bytes
    sha256: str
    lineage: Lineage | None = None
    names: frozenset[str] | None = None


class LazyModels(Sequence[SourceModel]):
    """Models that are created on access, so that a hundred thousand models take little memory.

    Args:
        uids: UIDs of the models, sorted.
        model: creates the model with a UID.
        total_bytes: bytes of all models together; None: not known.
    """

    def __init__(
        self, uids: Sequence[str], model: Callable[[str], SourceModel], total_bytes: int | None = None
    ) -> None:
        self._uids = uids
        self._model = model
        self.total_bytes = total_bytes

    def __len__(self) -> int:
        return len(self._uids)

    def __iter__(self) -> Iterator[SourceModel]:
        return map(self._model, self._uids)

    @overload
    def __getitem__(self, index: int) -> SourceModel: ...
    @overload
    def __getitem__(self, index: slice) -> LazyModels: ...
    def __getitem__(self, index: int | slice) -> SourceModel | LazyModels:
        if isinstance(index, slice):
            return LazyModels(self._uids[index], self._model)
        return self._model(self._uids[index])


Plain = Callable[[bytes, int], bytes]
"""Returns the bytes to store for a model's file; see `ModelType.plain`."""


def read_ahead(
    models: Iterable[SourceModel],
    readers: ThreadPoolExecutor,
    config: TransferConfig,
    plain: Plain | None = None,
) -> Iterator[LoadedModel]:
    """Read models a few mebibytes ahead; a model larger than a pack is read only when it is needed.

    Args:
        models: the models, read once, in their order.
        readers: the threads that read and hash.
        config: bytes and models to read at a time.
        plain: of the models' type.

    Raises:
        ConfigError: a UID is not valid, or a model cannot be read.
        FormatError: a model is empty, too large or, if it is compressed, damaged.
    """
    # The threads belong to the caller: an abandoned generator would not end them.
    ahead: deque[Future[_Chunk]] = deque()
    for size, chunk in _chunks(models, config):
        is_large = size > config.pack_bytes
        while ahead and (is_large or len(ahead) > config.readers):
            yield from ahead.popleft().result().drained()
        ahead.append(readers.submit(_Chunk(chunk, plain, config.pack_bytes).loaded))
        if is_large:
            yield from ahead.popleft().result().drained()
    while ahead:
        yield from ahead.popleft().result().drained()


def _chunks(models: Iterable[SourceModel], config: TransferConfig) -> Iterator[tuple[int, list[SourceModel]]]:
    total = 0
    chunk: list[SourceModel] = []
    for model in models:
        try:
            check_uid(model.uid)
        except ValueError as error:
            raise ConfigError(f"{error}; choose another UID") from None
        size = model.size()
        if chunk and total + size > config.read_bytes:
            yield total, chunk
            total, chunk = 0, []
        total += size
        chunk.append(model)
        # The model may be large: only the reading thread may hold it, and not beside the next model.
        del model
        if total >= config.read_bytes or len(chunk) == config.read_models:
            yield total, chunk
            total, chunk = 0, []
    if chunk:
        yield total, chunk


class _Chunk:
    """Models that one thread reads.

    Args:
        models: the models.
        plain: of the models' type.
        most_bytes: loaded bytes from which the rest waits until these are taken: compressed models grow.
    """

    def __init__(self, models: list[SourceModel], plain: Plain | None, most_bytes: int) -> None:
        # Models are popped, so that each is freed as soon as possible.
        self._waiting = models[::-1]
        self._plain = plain
        self._most_bytes = most_bytes
        self._loaded: list[LoadedModel] = []

    def loaded(self) -> _Chunk:
        """Read and hash the models up to `most_bytes`; return the chunk."""
        size = 0
        while self._waiting and size < self._most_bytes:
            model = self._waiting.pop()
            data = _plain(model, self._plain)
            size += len(data)
            examples = LoadedExamples.of(model.examples, model.uid)
            lineage = model.lineage.to_store(model.uid) if model.lineage else None
            self._loaded.append(
                LoadedModel(model.uid, examples, model.origin, data, sha256_hex(data), lineage, model.names)
            )
        self._loaded.reverse()
        return self

    def drained(self) -> Iterator[LoadedModel]:
        """Yield the models, and read those that waited."""
        while self._loaded:
            while self._loaded:
                yield self._loaded.pop()
            self.loaded()


def _plain(model: SourceModel, plain: Plain | None) -> bytes:
    data = model.read()
    if plain is None:
        return data
    try:
        return plain(data, min(MAX_MODEL_BYTES, most_raw_bytes(len(data))))
    except FormatError as error:
        raise FormatError(f"{model.origin}: {error}") from None


def _size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return sum(file.lstat().st_size for file in path.rglob("*"))
    return status.st_size


def _read(path: Path, size: int | None, is_ignored: Callable[[str], bool] | None) -> bytes:
    # os.read, because there may be a hundred thousand files: a file object would take as long as the reading.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Each call gives up the interpreter's lock, and must get it back: a known size is not read again.
        if size is None:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                return archive(path, is_ignored)
            size = status.st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        # The file is growing, or is larger than one read of the operating system.
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return data + file.readall()
    finally:
        os.close(descriptor)
