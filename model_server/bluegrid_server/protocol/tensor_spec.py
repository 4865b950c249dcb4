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
            A request may then give each column of rows as a tensor of its own.
        classes: labels along the last axis, in order, such as those of probabilities; empty: none.
        on_request: whether an output is computed only for requests that name it.
        any_rank: whether a tensor can have any number of dimensions; `shape` is then (-1,).
        table: name of a tensor of numbers (n, k), which a request may give instead of all k inputs, which
            are columns; empty: none.
        takes_integers: whether an input of BYTES also takes integers, as numbers of any datatype, which
            become their digits, and booleans, which become 0 and 1.
        takes_null: whether an input of BYTES also takes null, a missing value, which is None in an array.
        optional: whether a request may leave an input out; the model then gets no array of that name.
        aliases: other names that a request may use for an input.
        ignored: names of tensors that a request may give too, which have no effect: columns of the table of
            the training that no part of the model uses. Every input of a model has all of them.
    """

    name: str
    shape: tuple[int, ...]
    datatype: str = Datatype.FP64
    columns: tuple[str, ...] = ()
    classes: tuple[str | int | float | bool, ...] = ()
    on_request: bool = False
    any_rank: bool = False
    table: str = ""
    takes_integers: bool = False
    takes_null: bool = False
    optional: bool = False
    aliases: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def is_column(self) -> bool:
        """Whether an input is one column of a table: (n, 1), which requests may also give as (n,)."""
        return self.shape == (-1, 1)
