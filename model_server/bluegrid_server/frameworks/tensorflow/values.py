"""Specs and tensors of TensorFlow as those of the protocol.

The protocol has no BF16: such inputs are taken and such outputs are given as FP32, which holds every BF16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.tensorflow.runtime import tf
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec
from bluegrid_server.protocol.tensors import DATATYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DATATYPES = {dtype.name: name for name, dtype in DATATYPES.items() if name != Datatype.BYTES} | {
    "string": Datatype.BYTES,
    "bfloat16": Datatype.FP32,
}


def datatype_of(name: str, dtype: str) -> str:
    """Return the protocol's datatype.

    Args:
        name: of the input or output.
        dtype: TensorFlow's name of its elements.

    Raises:
        ModelError: the protocol has no such datatype.
    """
    if dtype not in _DATATYPES:
        raise ModelError(
            f"takes or gives {name!r} as {dtype}, which the Open Inference Protocol does not have; "
            "cast it to float32 in the model"
        )
    return _DATATYPES[dtype]


def spec_of(name: str, spec: Any) -> TensorSpec:
    """Return the protocol's spec of a tensor; raise ModelError if the protocol has no such tensor.

    Args:
        name: of the input or output.
        spec: a TensorSpec, or another TypeSpec; in models of TensorFlow 1, a tensor.
    """
    if isinstance(spec, tf.TypeSpec) and not isinstance(spec, tf.TensorSpec):
        raise ModelError(
            f"takes or gives {name!r} as a {type(spec).__name__}; take and give tensors in the signature "
            "(for a ragged tensor: its values and row splits, or to_tensor())"
        )
    datatype = datatype_of(name, spec.dtype.name)
    if spec.shape.rank is None:
        return TensorSpec(name, (-1,), datatype, any_rank=True)
    return TensorSpec(name, tuple(-1 if size is None else int(size) for size in spec.shape), datatype)


def tensor_of(array: NDArray[Any], dtype: Any) -> Any:
    """Return an array as a tensor of this dtype of TensorFlow."""
    # Elements of BYTES are str or bytes; lists of both become tensors of bytes.
    tensor = tf.constant(array.tolist() if array.dtype.kind == "O" else array)
    return tf.cast(tensor, dtype) if dtype == tf.bfloat16 else tensor


def array_of(tensor: Any) -> NDArray[Any]:
    """Return a tensor as an array."""
    return np.asarray((tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor).numpy())
