"""A compiled model before it is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


CHECK = "check"
"""Output of a graph that its own model has to answer for where this number is not finite."""


class NotCompiledError(Exception):
    """A model cannot be compiled; the message goes on after its name."""


@dataclass(frozen=True)
class Compiled:
    """An ONNX model, and how it is compared with the model that it was made of.

    Attributes:
        graph: the ONNX model, serialized; its first output is the answer, `CHECK` may be another.
        rows: inputs that both must agree on, (n, k).
        rtol: by how much answers may differ, of their magnitude.
    """

    graph: bytes
    rows: NDArray[Any]
    rtol: float
