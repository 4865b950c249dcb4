"""Whether a model's bytes are of its set's type, told by what they look like and not by a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_registry.errors import FormatError
from model_registry.model_types.file_types import file_types

if TYPE_CHECKING:
    from model_registry.model_types.model_type import ModelType


def check_content(model_type: ModelType, data: bytes) -> None:
    """Check that `data` looks like a model of this type; it takes microseconds.

    Raises:
        FormatError: it does not; the message goes on after "model <uid>" and says what it is instead.
    """
    row = model_type.row
    fault = row.looks_right(data)
    if fault is None:
        return
    for other in file_types().values():
        if other.looks_right(data) is None:
            raise FormatError(f"is {other.words}, not {row.words}; a set holds one type")
    raise FormatError(f"is not {row.words}: it {fault}")
