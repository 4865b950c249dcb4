"""What a tensor is, without its numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, as the Open Inference Protocol describes it.

    Attributes:
        name: of the tensor.
        shape: its sizes; -1 is any size.
        datatype: one of `tensors.DATATYPES`.
        columns: names of the columns along the last axis, in their order; none where the model has none.
    """

    name: str
    shape: tuple[int, ...]
    datatype: str = "FP64"
    columns: tuple[str, ...] = ()
