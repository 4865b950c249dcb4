"""Specification of a tensor: name, shape and datatype, without data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Datatype(StrEnum):
    """The protocol's datatypes."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, as the Open Inference Protocol describes it.

    Attributes:
        name: of the tensor.
        shape: sizes; -1 is any size.
        datatype: of the elements, a `Datatype`.
        columns: names of the columns along the last axis, in order; empty if the model does not name them.
    """

    name: str
    shape: tuple[int, ...]
    datatype: str = Datatype.FP64
    columns: tuple[str, ...] = ()
