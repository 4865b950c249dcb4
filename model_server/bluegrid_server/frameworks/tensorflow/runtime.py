"""TensorFlow with a pod's settings: its modules import it from here, so that the settings come first."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache

from bluegrid_server.frameworks.gpu import not_used

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

__all__ = ["saved_model_pb2", "tf", "use_gpus"]

# A model answers one request in one thread; many requests are answered by many workers.
# RuntimeError: this process has used TensorFlow before, and the threads exist.
with suppress(RuntimeError):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


@cache
def use_gpus() -> None:
    """Let TensorFlow allocate GPU memory as needed, because other processes use the GPUs too."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        not_used("tensorflow", "TensorFlow is not built for CUDA, or finds no GPU")
