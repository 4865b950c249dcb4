"""Types of labels and annotations in a stack's config: valid in Kubernetes, and not set by this program.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, LiteralString

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

RESERVED: LiteralString = "reserved_key"
"""Type of the error for a key that the program sets itself."""

_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_PULUMI = "pulumi.com/"
_SELECTORS = ("app", "app.kubernetes.io/managed-by")
_OWN_LABELS = "bluegrid.io/"


def _text(value: object) -> object:
    """Return a number or boolean from `pulumi config set --path` as the text that the user typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key such as example.com/name")
    return key


def _annotation(key: str) -> str:
    if key.startswith(_PULUMI):
        raise _reserved("annotations of pulumi.com are the program's own")
    return _key(key)


def _label(key: str) -> str:
    if key in _SELECTORS or key.startswith(_OWN_LABELS):
        raise _reserved("the program finds its pods by this label")
    return _key(key)


def _reserved(fault: LiteralString) -> PydanticCustomError:
    return PydanticCustomError(RESERVED, fault)


def _label_value(value: str) -> str:
    if not _LABEL_VALUE.fullmatch(value):
        raise ValueError(f"{value!r} is not a label's value: at most 63 letters, digits, '-', '_' and '.'")
    return value


Text = Annotated[str, BeforeValidator(_text)]
LabelValue = Annotated[Text, AfterValidator(_label_value)]

Annotations = Mapping[Annotated[str, AfterValidator(_annotation)], Text]
Labels = Mapping[Annotated[str, AfterValidator(_label)], LabelValue]
NodeLabels = Mapping[Annotated[str, AfterValidator(_key)], LabelValue]
