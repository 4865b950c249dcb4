"""The models of a version before they are pushed: files in a folder, and their recorded examples."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from model_registry.errors import ConfigError, FormatError
from model_registry.formats.manifest import MAX_MODEL_BYTES, Example
from model_registry.names import check_uid

if TYPE_CHECKING:
    from pathlib import Path

    from model_registry.model_types.model_type import ModelType

EXAMPLES = "examples.json"

_EXAMPLES = TypeAdapter(dict[str, Example])


@dataclass(frozen=True)
class SourceModel:
    """One model that can be pushed."""

    uid: str
    path: Path
    example: Example | None = None

    def read(self) -> bytes:
        """Return the model's bytes."""
        try:
            size = self.path.stat().st_size
            if not 0 < size <= MAX_MODEL_BYTES:
                raise FormatError(f"{self.path}: {size} bytes; a model has 1 byte to 4 GiB")
            return self.path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read: {error.strerror or error}") from None


def models_in_folder(folder: Path, model_type: ModelType) -> tuple[SourceModel, ...]:
    """Return the models in `folder`, sorted by UID.

    A model is a file `<uid>.<file type>`. `examples.json`, where it exists, holds recorded examples by UID:
    `{"line-17": {"inputs": [[1.0, 2.0]], "outputs": [0.5], "rtol": 1e-6, "atol": 1e-9}}`. Other files
    are ignored.

    Raises:
        ConfigError: there is no such folder, or no model in it.
        FormatError: a file's name is no UID, or the examples are not what they should be.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; name the folder of the models")
    examples = _examples(folder / EXAMPLES)
    paths = {}
    for path in folder.glob(f"*.{model_type.file_type}"):
        # Some file systems keep names decomposed; a UID has one form.
        uid = unicodedata.normalize("NFC", path.name.removesuffix(f".{model_type.file_type}"))
        try:
            paths[check_uid(uid)] = path
        except ValueError as error:
            raise FormatError(f"{folder}: {path.name!a}: {error}; rename the file") from None
    if not paths:
        raise ConfigError(
            f"{folder}: no model in it; a model of this set is a file <uid>.{model_type.file_type}"
        )
    if strays := examples.keys() - paths.keys():
        raise FormatError(f"{folder / EXAMPLES}: {min(strays)} has an example and no model")
    return tuple(SourceModel(uid, paths[uid], examples.get(uid)) for uid in sorted(paths))


def _examples(path: Path) -> dict[str, Example]:
    if not path.exists():
        return {}
    try:
        return _EXAMPLES.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "whole"
        raise FormatError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
