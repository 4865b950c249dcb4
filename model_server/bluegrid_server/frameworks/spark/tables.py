"""Rows between Python and the JVM: in one message each way, and without a Spark job."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from bluegrid_server.frameworks.spark.session import java, scala_object, seq_of, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql.types import StructType


_SERIALIZER = "org.apache.spark.ml.python.MLSerDe"
_CONVERTER = "org.apache.spark.sql.execution.python.EvaluatePython"


def java_schema(schema: StructType) -> Any:
    """Return the JVM's schema."""
    return session()._jsparkSession.parseDataType(json.dumps(schema.jsonValue()))


def internal_rows(rows: Sequence[tuple[Any, ...]], schema: Any) -> Any:
    """Return rows as Spark's plans have them.

    Args:
        rows: of Python's values; None where a value is missing.
        schema: of the JVM.
    """
    if not rows:
        return seq_of()
    values = java(_SERIALIZER).loads(bytearray(pickle.dumps(list(rows), protocol=4)))
    convert = java(_CONVERTER).makeFromJava(schema)
    return java("scala.jdk.javaapi.CollectionConverters").asScala(values).map(convert).toSeq()


def python_rows(rows: Any, array_type: Any) -> list[Any]:
    """Return rows of a plan as `Row` of Python.

    Args:
        rows: a `Seq`.
        array_type: type of an array of such rows, `array_of`.
    """
    array = java("org.apache.spark.sql.catalyst.util.GenericArrayData")(rows)
    values = java(_CONVERTER).toJava(array, array_type, False, scala_object("scala.None"))
    found: list[Any] = pickle.loads(java(_SERIALIZER).dumps(values))  # noqa: S301 - of our own JVM
    return found


def array_of(schema: Any) -> Any:
    """Return the type of an array of rows."""
    return java("org.apache.spark.sql.types.ArrayType")(schema, True)


def local_relation(attributes: Any, rows: Any) -> Any:
    """Return a plan that holds rows."""
    relation = java("org.apache.spark.sql.catalyst.plans.logical.LocalRelation")
    return relation(attributes, rows, False, scala_object("scala.None"))


def java_frame(rows: Sequence[tuple[Any, ...]], schema: Any) -> Any:
    """Return a DataFrame of the JVM that holds rows, without any work of an executor.

    Args:
        rows: as for `internal_rows`.
        schema: of the JVM.
    """
    attributes = java("org.apache.spark.sql.catalyst.types.DataTypeUtils").toAttributes(schema)
    plan = local_relation(attributes, internal_rows(rows, schema))
    return scala_object("org.apache.spark.sql.classic.Dataset").ofRows(session()._jsparkSession, plan)


def python_frame(frame: Any) -> DataFrame:
    """Return the DataFrame of Python for one of the JVM."""
    return DataFrame(frame, session())
