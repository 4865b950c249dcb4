"""Packs models of a folder into the batch of an update: a tar archive, as the update server takes it."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bluegrid_registry import ConfigError, models_in_folder
from bluegrid_registry.transfer.examples_file import EXAMPLES, write_examples
from bluegrid_registry.transfer.lineage_file import LINEAGE, write_lineage
from bluegrid_registry.transfer.selection import uids_matching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bluegrid_registry import ModelType, SourceModel


@dataclass(frozen=True)
class UpdateBatch:
    """A batch, ready to be sent.

    Attributes:
        file: the archive, at its start.
        size: in bytes.
        digest: its SHA-256, as an upload is named.
        uids: the models in it.
    """

    file: BinaryIO
    size: int
    digest: str
    uids: tuple[str, ...]


@contextmanager
def packed(
    folder: Path, model_type: ModelType, only: Collection[str], ignore: Collection[str]
) -> Iterator[UpdateBatch]:
    """Pack models into a temporary file; the same models always give the same bytes.

    Args:
        folder: as `bluegrid push` reads it.
        model_type: of the set.
        only: UIDs or patterns of the models to send; empty: all.
        ignore: patterns of files and folders that are treated as absent.

    Raises:
        ConfigError: there is no model, or `only` matches none.
        FormatError: a file is neither a model nor ignored.
    """
    models = _chosen(folder, models_in_folder(folder, model_type, ignore), only)
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w", dereference=True) as archive:
            for model in models:
                _add(archive, folder, model)
            examples = {model.uid: model.examples for model in models if model.examples}
            if examples:
                _add_file(archive, EXAMPLES, lambda path: write_examples(path, examples))
            lineage = {model.uid: model.lineage for model in models if model.lineage}
            if lineage:
                _add_file(archive, LINEAGE, lambda path: write_lineage(path, lineage))
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        yield UpdateBatch(file, size, f"sha256:{digest}", tuple(model.uid for model in models))


def _chosen(folder: Path, models: Sequence[SourceModel], only: Collection[str]) -> Sequence[SourceModel]:
    if not only:
        return models
    uids, chosen = {model.uid for model in models}, set[str]()
    for name in only:
        matched = uids_matching(uids, name)
        if not matched:
            raise ConfigError(
                f"{folder}: no model is named {name!r}; it has {len(uids)}, such as {min(uids)}"
            )
        chosen.update(matched)
    return [model for model in models if model.uid in chosen]


def _add(archive: tarfile.TarFile, folder: Path, model: SourceModel) -> None:
    path = Path(str(model.content))
    name = path.relative_to(folder).as_posix()

    def cleaned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        below = member.name.removeprefix(name).lstrip("/")
        return None if below and model.is_ignored and model.is_ignored(below) else _anonymous(member)

    try:
        archive.add(path, name, filter=cleaned)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None


def _add_file(archive: tarfile.TarFile, name: str, write: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / name
        write(file)
        data = file.read_bytes()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(_anonymous(member), io.BytesIO(data))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who had the file, and since when: the batch's name is the digest of its models."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member
