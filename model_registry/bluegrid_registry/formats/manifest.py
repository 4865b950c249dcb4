"""The manifest: the table of one version's models, with each model's pack and offset.

Recorded examples lie in packs too: `bluegrid-manifest/2` has the place of each model's examples, and the
version's signature. `bluegrid-manifest/3` also has the lineage of models. A version is written in the lowest
format that holds it, since older releases read fewer. Manifests of format 1 that have an example within the
row of its model are still read.

A manifest is one zstd frame of JSON with sorted keys, without time or author: the same models, packed
alike, give the same bytes and the same digest. The registry's YAML pins the digest (SHA-256 of the
stored bytes), which is checked before anything is decompressed or parsed. Sizes and offsets are checked as
well: the author of a manifest with the right digest may still be hostile.

Fields are declared in alphabetical order, which sorts the JSON's keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import zstandard
from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from bluegrid_registry.errors import ConfigError, FormatError, IntegrityError
from bluegrid_registry.formats.checksums import sha256_digest, sha256_hex
from bluegrid_registry.formats.compression import MAX_DICTIONARY_BYTES
from bluegrid_registry.formats.example import MAX_EXAMPLES_BYTES, Example, examples_document
from bluegrid_registry.formats.lineage import Lineage  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.formats.pack import is_bomb
from bluegrid_registry.frozen import Frozen, first_mistake
from bluegrid_registry.model_types.model_type import ModelType  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.model_types.signature import ModelSignature  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.names import Label, Uid  # noqa: TC001 - pydantic reads them at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INLINE: Literal["bluegrid-manifest/1"] = "bluegrid-manifest/1"
"""Format of manifests that have recorded examples within the rows of models, or none."""
PLACED: Literal["bluegrid-manifest/2"] = "bluegrid-manifest/2"
"""Format of manifests with recorded examples in packs."""
TRACED: Literal["bluegrid-manifest/3"] = "bluegrid-manifest/3"
"""Format of manifests that also have the lineage of models."""

MAX_MANIFEST_BYTES = 256 * 2**20
"""Largest decompressed manifest that is read, in bytes."""

TYPICAL_MANIFEST_BYTES = 8 * 2**20
"""Approximate memory that reading a manifest takes, in bytes."""

MAX_MODEL_BYTES = 4 * 2**30
"""Largest model, in bytes: its frame must fit into one PUT of 5 GiB."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(gt=0, strict=True)]


class PackRow(Frozen):
    """One pack with models of the version."""

    dictionary: Annotated[int, Field(ge=0, le=MAX_DICTIONARY_BYTES, strict=True)] = 0
    """Bytes of the zstd dictionary at the pack's beginning, which is needed to read any of its models."""
    name: Sha256
    """`pack.pack_name` of the pack's bytes."""
    size: Size
    """Size of the pack, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplesRow:
    """The recorded examples of a model, as a document in a pack (`example.examples_document`)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    length: Size
    """Bytes of the frame."""
    offset: Size
    """Bytes from the start of the pack to the frame."""
    pack: Sha256
    """Name of the pack that holds the frame."""
    raw_length: Annotated[Size, Field(le=MAX_EXAMPLES_BYTES)]
    """Bytes of the document."""
    sha256: Sha256
    """SHA-256 of the document; models may share one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model of the version; a plain dataclass, since memory may hold a hundred thousand rows."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    example: Example | None = None
    """The recorded example, in format 1."""
    examples: ExamplesRow | None = None
    """The place of the recorded examples, in format 2."""
    length: Size
    """Bytes of the frame."""
    lineage: Lineage | None = None
    """Who trained the model, from what, and how good it was, in format 3."""
    offset: Size
    """Bytes from the start of the pack to the frame."""
    pack: Sha256
    """Name of the pack that holds the model's frame."""
    raw_length: Annotated[Size, Field(le=MAX_MODEL_BYTES)]
    """Bytes of the model's file."""
    sha256: Sha256
    """SHA-256 of the model's file: the model's identity."""
    uid: Uid

    @property
    def has_examples(self) -> bool:
        """Whether the model has recorded examples."""
        return self.examples is not None or self.example is not None

    @property
    def examples_sha256(self) -> str | None:
        """SHA-256 of the document of the recorded examples, in either format; None: there are none."""
        if self.example is not None:
            return sha256_hex(examples_document((self.example,)))
        return self.examples.sha256 if self.examples is not None else None


class ExamplesFrame(NamedTuple):
    """The recorded examples of one model in a pack, with its UID."""

    uid: str
    pack: str
    offset: int
    length: int
    raw_length: int
    sha256: str


Frame = ModelRow | ExamplesFrame
"""What lies in a pack: a model, or a model's recorded examples."""


def examples_frames(rows: Iterable[ModelRow]) -> list[ExamplesFrame]:
    """Return the frames with the recorded examples of these models, in format 2."""
    return [
        ExamplesFrame(row.uid, found.pack, found.offset, found.length, found.raw_length, found.sha256)
        for row in rows
        if (found := row.examples) is not None
    ]


def frames_of(rows: Sequence[ModelRow]) -> Sequence[Frame]:
    """Return these models, and the frames with their recorded examples."""
    examples = examples_frames(rows)
    return [*rows, *examples] if examples else rows


class Manifest(Frozen):
    """A version of a model set: its packs, and its models sorted by UID."""

    format: Literal["bluegrid-manifest/1", "bluegrid-manifest/2", "bluegrid-manifest/3"] = INLINE
    globals: tuple[str, ...] | None = None
    """For pickles: all classes and functions that the models name."""
    models: Annotated[tuple[ModelRow, ...], Field(min_length=1)]
    packs: tuple[PackRow, ...]
    set: Label
    signature: ModelSignature | None = None
    """From format 2: what the models have in common, as far as it is known."""
    type: ModelType
    version: Label

    @model_validator(mode="after")
    def _is_sound(self) -> Manifest:
        _check_rows(self)
        _check_order([model.uid for model in self.models], "models")
        _check_order([pack.name for pack in self.packs], "packs")
        _check_sizes(self)
        _check_places(self)
        return self

    def to_bytes(self) -> bytes:
        """Return the bytes to store; equal manifests give equal bytes."""
        return zstandard.ZstdCompressor(level=3).compress(_MANIFEST.dump_json(self, exclude_none=True))

    @classmethod
    def from_bytes(cls, data: bytes, digest: str) -> Manifest:
        """Return the manifest in `data`.

        Args:
            data: the stored bytes, from any source.
            digest: the digest that the registry pins.

        Raises:
            IntegrityError: the bytes do not have this digest.
            FormatError: the bytes have this digest, but are not a sound manifest.
            ConfigError: the manifest is of a format that this release does not know.
        """
        if sha256_digest(data) != digest:
            raise IntegrityError(f"manifest {digest[:15]}: SHA-256 differs")
        try:
            return cls.model_validate_json(_decompress(data))
        except ValidationError as error:
            _check_format(error, digest)
            raise FormatError(f"manifest {digest[:15]}: {first_mistake(error)}") from None
        except zstandard.ZstdError as error:
            raise FormatError(f"manifest {digest[:15]}: {error}") from None


def _check_format(error: ValidationError, digest: str) -> None:
    """Raise ConfigError if a manifest is invalid because a later release has written it."""
    first = error.errors()[0]
    if first["loc"] == ("format",) and _ANY_FORMAT.fullmatch(str(first["input"])):
        formats = f"is of format {first['input']}; this release reads formats up to {TRACED}"
        raise ConfigError(
            f"manifest {digest[:15]}: {formats}: use the release that pushed it, or a later one"
        )


_ANY_FORMAT = re.compile(r"bluegrid-manifest/\d{1,4}")

_MANIFEST = TypeAdapter(Manifest)
"""Dumps to bytes directly; `Manifest.model_dump_json` would make a string first."""


def _decompress(data: bytes) -> bytes:
    # zstandard allocates without a limit if the frame has no content size; our writer always includes it.
    size = zstandard.frame_content_size(data)
    if not 0 < size <= MAX_MANIFEST_BYTES:
        raise zstandard.ZstdError(f"claims {size} bytes; 1 to {MAX_MANIFEST_BYTES} are read")
    return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)


def _check_order(names: list[str], what: str) -> None:
    for before, after in pairwise(names):
        if before == after:
            raise ValueError(f"{what}: {before} is there twice")
        if before > after:
            raise ValueError(f"{what}: {after} stands after {before}; they are sorted")


def _check_rows(manifest: Manifest) -> None:
    if manifest.format == INLINE and manifest.signature is not None:
        raise ValueError(f"signature: {INLINE} has none")
    for row in manifest.models:
        if (row.examples if manifest.format == INLINE else row.example) is not None:
            raise ValueError(f"model {row.uid}: its examples are not as {manifest.format} has them")
        if row.lineage is not None and manifest.format != TRACED:
            raise ValueError(f"model {row.uid}: its lineage is not in {manifest.format}, which has none")


def _check_sizes(manifest: Manifest) -> None:
    for row in manifest.models:
        if is_bomb(row.length, row.raw_length):
            raise ValueError(f"model {row.uid}: {row.length} bytes that claim to be {row.raw_length}")
        examples = row.examples
        if examples is not None and is_bomb(examples.length, examples.raw_length):
            claim = f"{examples.length} bytes that claim to be {examples.raw_length}"
            raise ValueError(f"examples of model {row.uid}: {claim}")


def _places(frames: Iterable[ModelRow | ExamplesRow]) -> set[tuple[str, int, int, int, str]]:
    """Return the places and contents of frames; one that several models share is there once."""
    return {(frame.pack, frame.offset, frame.length, frame.raw_length, frame.sha256) for frame in frames}


def _check_places(manifest: Manifest) -> None:
    sizes = {pack.name: pack.size for pack in manifest.packs}
    # Two devices may share one model: two rows then have the same place and content.
    models = _places(manifest.models)
    examples = _places(row.examples for row in manifest.models if row.examples is not None)
    if shared := models & examples:
        raise ValueError(f"recorded examples overlap a model in pack {min(shared)[0][:8]}")
    places = sorted(models | examples if examples else models)
    for pack, offset, length, *_ in places:
        if pack not in sizes:
            raise ValueError(f"a model lies in pack {pack[:8]}, which is not in packs")
        if offset + length > sizes[pack]:
            raise ValueError(f"a model ends beyond pack {pack[:8]}, which has {sizes[pack]} bytes")
    for before, after in pairwise(places):
        if before[0] == after[0] and before[1] + before[2] > after[1]:
            both = "recorded examples" if {before, after} & examples else "two models"
            raise ValueError(f"{both} overlap in pack {before[0][:8]} at byte {after[1]}")
    if unused := set(sizes) - {place[0] for place in places}:
        raise ValueError(f"no model lies in pack {min(unused)[:8]}")
