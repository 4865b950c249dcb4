"""Loader of Spark ML models: `PipelineModel` folders, in a local session with one thread.

Only sets of the platform can have these models, because their metadata names the classes to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyspark
from pyspark.ml import PipelineModel

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.spark.model import SparkModel
from bluegrid_server.frameworks.spark.session import SPARK_ERRORS, session
from bluegrid_server.frameworks.spark.stages import stages_of
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load(path: Path, trust: Iterable[str] = ()) -> SparkModel:  # noqa: ARG001 - trust is for pickles
    """Load a fitted pipeline; raise ModelError if the folder has none."""
    writer = writers.spark(b"".join(part.read_bytes() for part in sorted(path.glob("metadata/part-*"))))
    check_writer("Spark", writer, pyspark.__version__)
    session()
    try:
        pipeline = PipelineModel.load(path.as_uri())
    # Errors of Java have the first two classes; PySpark's readers of the metadata raise the others.
    except (*SPARK_ERRORS, AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable("Spark model", error, "Spark", writer, pyspark.__version__) from None
    return SparkModel(stages_of(pipeline))
