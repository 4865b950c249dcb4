"""Finds the version of the framework that wrote a model, if the model's bytes name it.

Each function returns the version, or None if the bytes name none, in microseconds: a push calls it for every
model.
"""

from __future__ import annotations

import json
import re

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types import sniff

_NUMBERS = re.compile(r"v?(\d+)(?:\.(\d+))?")
_TAIL = 64
"""Bytes at the end of an XGBoost model with its version, unless another program has rewritten the model."""
_UBJ_VERSION = re.compile(rb"L\0{7}\x07version\[#L\0{7}\x03((?:[iU].){3})}$", re.DOTALL)
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]')
_LIGHTGBM_VERSION = re.compile(rb"tree\r?\nversion=(v\d+)")
_CATBOOST_VERSION = re.compile(
    rb"CatBoost release (\d+\.\d+(?:\.\d+)?)|Branch: (?:origin/)?tags/v(\d+\.\d+(?:\.\d+)?)"
)
_SPARK_VERSION = re.compile(rb'"sparkVersion"\s*:\s*"([^"]{1,40})"')


def xgboost_ubj(data: bytes) -> str | None:
    """Read the last key of the UBJSON object: three integers, each a type and a byte."""
    found = _UBJ_VERSION.search(data[-_TAIL:])
    return ".".join(map(str, found[1][1::2])) if found else None


def xgboost_json(data: bytes) -> str | None:
    """Read the only array `version` in the JSON object."""
    found = _JSON_VERSION.search(data[-_TAIL:]) or _JSON_VERSION.search(data)
    return b".".join(found.groups()).decode() if found else None


def lightgbm(data: bytes) -> str | None:
    """Read the version of the format, such as v4: LightGBM does not write its own version."""
    found = _LIGHTGBM_VERSION.match(data)
    return found[1].decode() if found else None


def catboost(data: bytes) -> str | None:
    """Read the release in `catboost_version_info`, which every model has."""
    found = _CATBOOST_VERSION.search(data)
    return (found[1] or found[2]).decode() if found else None


def keras(data: bytes) -> str | None:
    """Read the version in `metadata.json` of a `.keras` file."""
    try:
        version = json.loads(sniff.member(data, b"metadata.json"))["keras_version"]
    except (FormatError, ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) else None


def spark(metadata: bytes) -> str | None:
    """Read the version in `metadata/part-*` of a model; `metadata` may be an archive of the whole folder."""
    found = _SPARK_VERSION.search(metadata)
    return found[1].decode(errors="replace") if found else None


def release(version: str | None) -> tuple[int, int]:
    """Return the major and the minor number of a version such as 3.2.0 or v4; (0, 0) for anything else."""
    found = _NUMBERS.match(version or "")
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
