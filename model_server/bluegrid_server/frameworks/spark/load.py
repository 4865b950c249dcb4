"""Loader of Spark ML models: `PipelineModel` folders, in a local session with one thread.

A request has its features in one tensor, row by row: the columns of the pipeline's VectorAssembler, in its
order, or the vector that the last stage takes. Only sets of the platform can have these models, because their
metadata names the classes to load.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyspark
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.versions import check_writer, unreadable
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_FEATURES = "features"
_PREDICTION = "prediction"
_PROBABILITY = "probability"
_RULE = (
    "a pod gives a pipeline numbers: begin it with the one VectorAssembler of all its columns, end it with a "
    "model that predicts, and do before training what comes before (StringIndexer, Imputer, SQLTransformer)"
)
"""Rule for pipelines: a pipeline alone does not say what becomes of strings and missing values."""


@cache
def _session() -> SparkSession:
    """Return the session, which is local to this process, and silent unless it fails."""
    options = {
        "spark.master": "local[1]",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.execution.arrow.pyspark.enabled": "false",
        "spark.log.level": "OFF",
    }
    # Otherwise Spark resolves the host's name, which need not have an address.
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_LOCAL_HOSTNAME"] = "localhost"
    builder = SparkSession.builder.appName("bluegrid")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


class SparkModel:
    """A fitted pipeline."""

    def __init__(self, pipeline: PipelineModel) -> None:
        self._pipeline = pipeline
        first, last = pipeline.stages[0], pipeline.stages[-1]
        self._columns = list(first.getInputCols()) if isinstance(first, VectorAssembler) else []
        count = len(self._columns) or getattr(last, "numFeatures", None)
        if not isinstance(count, int) or not hasattr(last, "getPredictionCol"):
            raise ModelError(f"is a pipeline whose features are not known; {_RULE}")
        self.inputs = (TensorSpec("x", (-1, count), columns=tuple(self._columns)),)
        try:
            answers = self._answers(np.zeros((1, count)))
        # The table lacks a column, or has numbers where a stage needs strings.
        except (PySparkException, Py4JError) as error:
            raise ModelError(f"does not take numbers alone: {describe(error)}; {_RULE}") from None
        self.outputs = tuple(TensorSpec(name, (-1, *array.shape[1:])) for name, array in answers.items())

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); return `prediction` (n,) and, of a classifier, `probability` (n, m)."""
        return self._answers(inputs["x"])

    def _answers(self, x: NDArray[Any]) -> dict[str, NDArray[Any]]:
        rows = x.tolist()
        if self._columns:
            table = _session().createDataFrame(rows, self._columns)
        else:
            table = _session().createDataFrame([(Vectors.dense(row),) for row in rows], [_FEATURES])
        last = self._pipeline.stages[-1]
        columns = {_PREDICTION: last.getPredictionCol()}
        result = self._pipeline.transform(table)
        if hasattr(last, "getProbabilityCol") and last.getProbabilityCol() in result.columns:
            columns[_PROBABILITY] = last.getProbabilityCol()
        predictions = result.select(*columns.values()).collect()
        return {
            name: np.array([_numbers(row[column]) for row in predictions], dtype=np.float64)
            for name, column in columns.items()
        }


def load(path: Path, trust: Iterable[str] = ()) -> SparkModel:  # noqa: ARG001 - trust is for pickles
    """Load a fitted pipeline; raise ModelError if the folder has none."""
    writer = writers.spark(b"".join(part.read_bytes() for part in sorted(path.glob("metadata/part-*"))))
    check_writer("Spark", writer, pyspark.__version__)
    _session()
    try:
        return SparkModel(PipelineModel.load(path.as_uri()))
    # Errors of Java have the first two classes; PySpark's readers of the metadata raise the others.
    except (PySparkException, Py4JError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable("Spark model", error, "Spark", writer, pyspark.__version__) from None


def _numbers(value: Any) -> Any:
    return value.toArray() if hasattr(value, "toArray") else value
