"""Recognises the bytes of each file type by magic numbers and simple structure, without the framework.

Each function returns None if the bytes look right, otherwise the fault, as the end of a sentence after "it":
an `Unfit` if the bytes are of the type but no pod can load them. A version has up to 100,000 models, so each
call takes microseconds. The preflight of the pods proves that a model can be loaded.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types import protobuf
from bluegrid_registry.model_types.external_data import has_external_data


class Unfit(str):
    """A fault of bytes that are of the type but unusable; the end of a sentence after "model <uid>"."""

    __slots__ = ()


_END_OF_ZIP = struct.Struct("<4s4xHHIIH")
_ZIP_ENTRY = struct.Struct("<4s6xH8xIIHHH8xI")
_LOCAL_NAME_AND_EXTRA = struct.Struct("<HH")
_MAX_MEMBER_BYTES = 64 * 2**20


def skops(data: bytes) -> str | None:
    """A zip with `schema.json`."""
    return _zip_with(data, b"schema.json")


def keras(data: bytes) -> str | None:
    """A zip with `config.json`."""
    return _zip_with(data, b"config.json")


def onnx(data: bytes) -> str | None:
    """A protobuf message with the fields of ModelProto (onnx.proto3) and a graph."""
    numbers = set()
    try:
        for field in protobuf.fields(memoryview(data)):
            if _MODEL_PROTO.get(field.number) != field.kind:
                return "has other fields than an ONNX ModelProto"
            numbers.add(field.number)
        if _GRAPH not in numbers:
            return "has no graph"
        # Any file of the machine that loads the model could become a tensor, and appear in responses.
        return _EXTERNAL if has_external_data(data) else None
    except FormatError as error:
        return str(error)


def xgboost_ubj(data: bytes) -> str | None:
    """UBJSON as `Booster.save_model` writes it: an object whose first key is `learner`."""
    is_right = data.startswith(b"{L\0\0\0\0\0\0\0\7learner{") and data.endswith(b"}")
    return None if is_right else "is not a UBJSON object with a learner"


def xgboost_json(data: bytes) -> str | None:
    """JSON as `Booster.save_model` writes it, with a `learner`."""
    text = data.strip()
    is_right = text[:1] == b"{" and text[-1:] == b"}" and b'"learner"' in data
    return None if is_right else "is not a JSON object with a learner"


def lightgbm(data: bytes) -> str | None:
    """Text as `Booster.save_model` writes it."""
    if not data.startswith((b"tree\nversion=", b"tree\r\nversion=")):
        return "does not begin with the lines tree and version="
    return None if b"end of trees" in data else "is cut off: it has no end of trees"


def catboost(data: bytes) -> str | None:
    """`CBM1`, four bytes with a length, and that many bytes of a flatbuffer."""
    if not data.startswith(b"CBM1"):
        return "does not begin as CatBoost's format cbm does"
    return None if 8 + int.from_bytes(data[4:8], "little") <= len(data) else "is cut off"


def hdf5(data: bytes) -> str | None:
    """HDF5, in which Keras keeps a whole model."""
    return None if data.startswith(b"\x89HDF\r\n\x1a\n") else "does not begin as HDF5 does"


def safetensors(data: bytes) -> str | None:
    """Eight bytes with a length, and that many bytes of JSON."""
    end = 8 + int.from_bytes(data[:8], "little")
    is_right = data[8:9] == b"{" and end <= len(data) and data[8:end].rstrip().endswith(b"}")
    return None if is_right else "does not begin with a header of JSON"


def saved_model(data: bytes) -> str | None:
    """The archive of a folder with `saved_model.pb`."""
    return None if "saved_model.pb" in _names_in_archive(data) else "has no saved_model.pb"


def spark(data: bytes) -> str | None:
    """The archive of a folder with `metadata/part-*`, as Spark ML writes it."""
    names = _names_in_archive(data)
    is_right = any(name.startswith("metadata/part-") for name in names)
    return None if is_right else "has no metadata/part-00000"


def pickled(data: bytes) -> str | None:
    """A pickle of protocol 2 to 5, with or without joblib's arrays, as `compressed.plain` returns it."""
    if data[:1] != b"\x80" or not 2 <= data[1] <= 5:
        return "does not begin as a pickle of protocol 2 to 5 does"
    return None if data.endswith(b".") else "is cut off"


def member(data: bytes, name: bytes) -> bytes:
    """Return a file of a zip; FormatError if the file is missing or damaged."""
    entry = _zip_entry(data, name)
    if entry is None:
        raise FormatError(f"has no {name.decode()}")
    method, compressed, size, offset = entry
    start = offset + 30
    start += sum(_LOCAL_NAME_AND_EXTRA.unpack_from(data, offset + 26)) if start <= len(data) else 0
    raw = data[start : start + compressed]
    if max(size, compressed) > _MAX_MEMBER_BYTES:
        raise FormatError(f"has a {name.decode()} of {size} bytes; {_MAX_MEMBER_BYTES} are read")
    if method == 0 or not size:
        # A size of 0 would be no limit to zlib.
        return raw[:size]
    try:
        # Method 8 is deflate, the default of skops.
        if method == 8:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, size)
    except zlib.error:
        raise FormatError(f"has a damaged {name.decode()}") from None
    raise FormatError(f"has a {name.decode()} that is neither stored nor deflated; save it with the defaults")


_EXTERNAL = Unfit(
    "keeps tensors in a file beside it (external data); save it with all of them inside "
    "(torch.onnx.export: external_data=False)"
)

_GRAPH = 7
_MODEL_PROTO = {
    **dict.fromkeys((1, 5), protobuf.VARINT),
    **dict.fromkeys((2, 3, 4, 6, _GRAPH, 8, 14, 20, 25, 26), protobuf.BYTES),
}
"""Fields of ModelProto, and the wire type of each."""


def _zip_with(data: bytes, name: bytes) -> str | None:
    try:
        return None if _zip_entry(data, name) else f"is a zip file without {name.decode()}"
    except FormatError as error:
        return str(error)


def _zip_entry(data: bytes, name: bytes) -> tuple[int, int, int, int] | None:
    """Return a file's row in a zip's central directory: method, compressed and raw bytes, offset.

    `zipfile` would take five times as long, a tenth of the time of a push of small models.
    """
    unsound = FormatError("is a damaged zip file" if data.startswith(b"PK") else "is not a zip file")
    end = data.rfind(b"PK\5\6", -(2**16) - 22)
    if end < 0 or end + 22 > len(data):
        raise unsound
    _, _, count, size, _, comment = _END_OF_ZIP.unpack_from(data, end)
    position = end - size
    if position < 0 or end + 22 + comment != len(data):
        raise unsound
    found = None
    for _ in range(count):
        if position + 46 > end:
            raise unsound
        magic, *entry, length, extra, remark, offset = _ZIP_ENTRY.unpack_from(data, position)
        if magic != b"PK\1\2":
            raise unsound
        position += 46
        if data[position : position + length] == name:
            found = (*entry, offset)
        position += length + extra + remark
    return found


def _names_in_archive(data: bytes) -> list[str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as reader:
            return reader.getnames()
    except tarfile.TarError:
        return []
