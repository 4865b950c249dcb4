"""The result of a compiler, which is not used until it is compared with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bluegrid_server.frameworks.trees import Ensemble


CHECK = "check"
"""Output of a graph: a number; if it is not finite, the original model has to answer."""


class NotCompiledError(Exception):
    """A model cannot be compiled; the message continues after the model's name."""


@dataclass(frozen=True)
class Compiled:
    """What a model computes, without its framework, and the data to compare it with the original model.

    Attributes:
        program: trees, or an ONNX model, serialized: its first output is the answer, `CHECK` may be another.
        rows: inputs on which both must agree, (n, k).
        rtol: relative difference of answers that is allowed.
        is_slow: whether the framework takes longer than a table of trees of any size.
    """

    program: Ensemble | bytes
    rows: NDArray[Any]
    rtol: float
    is_slow: bool = False
