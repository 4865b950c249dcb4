"""The rules for names and values of the registry, as annotated types.

Each rule's message describes the allowed values: a user reads it beside file:line. The pattern goes into the
JSON schema, so that an editor checks the same rule while typing.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LABEL = 63
"""Characters of the longest ID: a Kubernetes label value holds no more."""
MAX_UID = 200
PREFLIGHT = "-preflight"
"""Suffix of the name of a cluster's preflight Job."""


def _rule(pattern: str, words: str, max_length: int = MAX_LABEL) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if len(value) > max_length or not compiled.fullmatch(value):
            raise ValueError(f"{value!r} is not {words}")
        return value

    return check


def _as_schema(pattern: str, max_length: int = MAX_LABEL) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "maxLength": max_length})


def _number_as_text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def check_uid(value: str) -> str:
    """Return the UID, or raise ValueError if it is invalid.

    A UID may look like a path, such as `mv_feeder/OS Edam` or `..`, so it never names a file as it is.
    """
    if not 1 <= len(value) <= MAX_UID:
        raise ValueError(f"a UID of {len(value)} characters; 1 to {MAX_UID} are allowed")
    if not value.isprintable() or unicodedata.normalize("NFC", value) != value:
        raise ValueError(f"UID {value!a} is not of printable characters in Unicode NFC")
    return value


LABEL = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_SERVICE = r"[a-z]([a-z0-9-]*[a-z0-9])?"
_CLUSTER = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DIGEST = r"sha256:[0-9a-f]{64}"
_QUANTITY = r"(?=.*[1-9])[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]{1,2})?"

check_label = _rule(LABEL, "an ID: letters, digits, '-', '_', '.', at most 63, both ends a letter or digit")
_check_service = _rule(_SERVICE, "a DNS label: a-z, 0-9, '-', at most 63, first a letter, last no '-'")
_check_cluster = _rule(_CLUSTER, "a DNS label: a-z, 0-9, '-', at most 63, first and last no '-'")
_check_digest = _rule(DIGEST, "a digest, sha256: and 64 hex digits", max_length=71)
_check_quantity = _rule(_QUANTITY, "a Kubernetes quantity above 0, such as 2, 500m or 2Gi")

Label = Annotated[str, AfterValidator(check_label), _as_schema(LABEL)]
"""ID of a set, version or region; it is also a Kubernetes label value and a part of object keys."""

ServiceName = Annotated[str, AfterValidator(_check_service), _as_schema(_SERVICE)]
"""A service's name: a DNS label that starts with a letter, as Kubernetes requires of Services (RFC 1035)."""


def _check_cluster_id(value: str) -> str:
    if value.endswith(PREFLIGHT):
        raise ValueError(f"{value!r} would name the Job that proves {value.removesuffix(PREFLIGHT)}")
    return _check_cluster(value)


ClusterId = Annotated[str, AfterValidator(_check_cluster_id), _as_schema(_CLUSTER)]
"""A cluster's ID: the second part of a Kubernetes name."""

Digest = Annotated[str, AfterValidator(_check_digest), _as_schema(DIGEST, max_length=71)]
"""`sha256:` and 64 lower-case hex digits."""

_QUANTITY_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": f"^{_QUANTITY}$"},
    ]
}
Quantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_check_quantity),
    WithJsonSchema(_QUANTITY_SCHEMA),
]
"""A Kubernetes quantity of CPU or memory; a plain number is read as text."""

Text = Annotated[str, StringConstraints(min_length=1)]
"""Any text that is not empty."""

Uid = Annotated[str, AfterValidator(check_uid)]
"""The ID of a model's device: 1 to 200 printable characters in Unicode NFC, `/` and dots too."""


class Source(StrEnum):
    """Who defined a model set."""

    PLATFORM = "platform"
    USER = "user"
