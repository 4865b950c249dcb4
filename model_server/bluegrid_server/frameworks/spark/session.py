"""The Spark session of this process, its JVM, and errors of Java."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from py4j.java_gateway import is_instance_of
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARK_ERRORS = (PySparkException, Py4JError)
"""What calls of Spark raise: errors that PySpark knows, and all others of Java."""

_VALUES_AT_FAULT = ("22", "39")
"""SQLSTATE classes of errors that values cause: data exceptions, and failures within a function."""


@cache
def session() -> SparkSession:
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
    found = builder.getOrCreate()
    # Rows of the JVM become pickles by these.
    found._jvm.org.apache.spark.sql.execution.python.EvaluatePython.registerPicklers()
    return found


@cache
def java(name: str) -> Any:
    """Return a class of the JVM; its static methods are attributes.

    Each part of a name is a message to the JVM, so the result is kept.
    """
    value = session()._jvm
    for part in name.split("."):
        value = getattr(value, part)
    return value


@cache
def scala_object(name: str) -> Any:
    """Return an `object` of Scala."""
    return getattr(java(f"{name}$"), "MODULE$")


def seq_of(*elements: Any) -> Any:
    """Return a `Seq` of Scala."""
    values = java("java.util.ArrayList")()
    for element in elements:
        values.add(element)
    return java("org.apache.spark.api.python.PythonUtils").toSeq(values)


def list_of(seq: Any) -> list[Any]:
    """Return the elements of a `Seq` of Scala."""
    return list(java("scala.jdk.javaapi.CollectionConverters").asJava(seq))


def reason_of(error: BaseException) -> str:
    """Return the message of the error of Java that caused an error of Spark, on one line."""
    causes = list(_causes(error))
    message = next((text for cause in reversed(causes) if (text := cause.getMessage())), str(error))
    first, *_ = message.split("\n\tat ")
    return " ".join(first.split())


def is_caused_by_values(error: BaseException) -> bool:
    """Return whether Spark refuses the values of a row, by its SQLSTATE."""
    gateway = session().sparkContext._gateway
    states = (
        cause.getSqlState()
        for cause in _causes(error)
        if is_instance_of(gateway, cause, "org.apache.spark.SparkThrowable")
    )
    return any((state or "").startswith(_VALUES_AT_FAULT) for state in states)


def _causes(error: BaseException) -> Iterator[Any]:
    """Yield the exceptions of Java, each followed by its cause."""
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None:
        yield cause
        cause = cause.getCause()
