"""The input columns of a pipeline, and the tensors of a request that hold them.

Parameters of the stages name the columns, and the kind of stage says what a column holds. What a
SQLTransformer reads is taken from Spark's analysis of its statement.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Any

from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructField, StructType

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.features import word_of
from bluegrid_server.frameworks.spark.session import SPARK_ERRORS, reason_of
from bluegrid_server.frameworks.spark.stages import inputs_of, size_of_vectors
from bluegrid_server.frameworks.spark.statement import words_in
from bluegrid_server.frameworks.spark.tables import java_frame, java_schema
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.spark.stages import SparkStage

REMEDY = "push a pipeline whose stages need only numbers, words or vectors"

_TABLE = "x"
"""Name of the tensor of a pipeline whose columns are all numbers, or that takes one vector."""


class Holds(Enum):
    """What a column holds: its datatype in a request, and its type in Spark."""

    NUMBER = (Datatype.FP64, DoubleType())
    WHOLE_NUMBER = (Datatype.FP64, LongType())
    FLAG = (Datatype.BOOL, BooleanType())
    WORD = (Datatype.BYTES, StringType())
    VECTOR = (Datatype.FP64, VectorUDT())

    def __init__(self, datatype: Datatype, spark_type: Any) -> None:
        self.datatype = datatype
        self.spark_type = spark_type


@dataclass(frozen=True)
class SparkColumn:
    """An input column.

    Attributes:
        name: in the pipeline.
        holds: what it holds.
        size: of a vector; -1: any.
        labels: words that the training knew.
        missing_is_nan: whether a missing number is NaN to its reader; otherwise it is null.
        is_used: whether any answer needs it; otherwise it is null, and no input.
    """

    name: str
    holds: Holds
    size: int = 1
    labels: tuple[str, ...] = ()
    missing_is_nan: bool = False
    is_used: bool = True

    def spec(self, ignored: tuple[str, ...]) -> TensorSpec:
        """Return the spec of the tensor that holds this column; `ignored` as `SparkInputs`."""
        is_word = self.holds is Holds.WORD
        return TensorSpec(
            self.name,
            (-1, self.size),
            self.holds.datatype,
            takes_integers=is_word and any(label.lstrip("-").isdigit() for label in self.labels),
            takes_null=is_word,
            ignored=ignored,
        )

    def values(self, array: NDArray[Any]) -> list[Any]:
        """Return a column (n, size) as Python's values for Spark."""
        if self.holds is Holds.VECTOR:
            return [VECTOR.serialize(Vectors.dense(row)) for row in array]
        values: list[Any] = array[:, 0].tolist()
        if self.holds is Holds.WORD:
            return list(map(word_of, values))
        if self.holds is Holds.FLAG or self.missing_is_nan:
            return values
        # NaN, a missing value, is the only value that differs from itself.
        missing_as_null = [None if value != value else value for value in values]
        if self.holds is Holds.NUMBER:
            return missing_as_null
        return [None if value is None else int(value) for value in missing_as_null]


VECTOR = VectorUDT()


class SparkInputs:
    """The inputs of a pipeline: one tensor of all columns if these are numbers, otherwise a tensor a column.

    Args:
        columns: in the order in which the pipeline reads them.
        ignored: other columns of the training, such as labels, which a request may give without any effect.
    """

    def __init__(self, columns: Sequence[SparkColumn], ignored: tuple[str, ...] = ()) -> None:
        self.columns = tuple(columns)
        self._used = [column for column in columns if column.is_used]
        self._ignored = (*ignored, *(column.name for column in columns if not column.is_used))
        kinds = {column.holds for column in self._used}
        self._is_table = kinds <= {Holds.NUMBER, Holds.WHOLE_NUMBER} or (
            len(self._used) == 1 and kinds == {Holds.VECTOR}
        )
        each = tuple(column.spec(self._ignored) for column in self._used)
        self.specs = (self._table,) if self._is_table else each
        self.known: Mapping[str, Sequence[Any]] = {
            column.name: [float(each) for each in column.labels]
            if column.holds in (Holds.NUMBER, Holds.WHOLE_NUMBER)
            else column.labels
            for column in columns
            if column.labels
        }
        self.schema = StructType([StructField(each.name, each.holds.spark_type) for each in columns])

    def without(self, unused: Collection[str]) -> SparkInputs:
        """Return the inputs if these columns are not used."""
        columns = [replace(column, is_used=column.name not in unused) for column in self.columns]
        return SparkInputs(columns, self._ignored)

    @property
    def _table(self) -> TensorSpec:
        if self._used[0].holds is Holds.VECTOR:
            return TensorSpec(_TABLE, (-1, self._used[0].size), ignored=self._ignored)
        names = tuple(column.name for column in self._used)
        return TensorSpec(_TABLE, (-1, len(names)), columns=names, ignored=self._ignored)

    def rows(self, tensors: Mapping[str, NDArray[Any]]) -> list[tuple[Any, ...]]:
        """Return rows of Python's values, in the order of the schema."""
        return list(zip(*self._values(tensors), strict=True))

    def _values(self, tensors: Mapping[str, NDArray[Any]]) -> Iterator[list[Any]]:
        start, count = 0, len(tensors[self.specs[0].name])
        for column in self.columns:
            if not column.is_used:
                yield [None] * count
            elif self._is_table:
                end = start + column.size if column.size > 0 else None
                yield column.values(tensors[_TABLE][:, start:end])
                start += column.size
            else:
                yield column.values(tensors[column.name])


def inputs_for(stages: Sequence[SparkStage], left_out: Sequence[SparkStage]) -> SparkInputs:
    """Return the inputs of a pipeline.

    Args:
        stages: those that are needed.
        left_out: the others.

    Raises:
        ModelError: a column is neither number, word nor vector, or the stages do not fit together; the
            message continues after "model <uid>".
    """
    names = inputs_of(stages)
    if not names:
        raise ModelError("is a pipeline that reads no columns; push one that has stages")
    parts = [part for stage in stages for part in (stage.inner or (stage,))]
    columns = {name: _declared(name, parts) for name in names}
    unknown = [name for name, column in columns.items() if column is None]
    found = {name: column or SparkColumn(name, Holds.NUMBER) for name, column in columns.items()}
    made = {column for stage in (*stages, *left_out) for column in stage.makes}
    read = {column: None for stage in left_out for column in stage.reads}
    labels = {column: None for stage in stages for column in stage.columns("labelCol")}
    ignored = [column for column in {**read, **labels} if column not in made and column not in found]
    return SparkInputs(tuple(_checked(found, unknown, stages).values()), tuple(ignored))


def _declared(name: str, parts: Sequence[SparkStage]) -> SparkColumn | None:
    """Return a column as the stages that read it declare it; None: statements alone read it."""
    names = {name} | {
        alias
        for part in parts
        if part.statement
        for alias, renamed in part.statement.renamed.items()
        if renamed == name
    }
    readers = [part for part in parts if part.statement is None and names.intersection(part.reads)]
    if not readers:
        return None
    kinds = {_HOLDS.get(reader.kind, Holds.NUMBER) for reader in readers}
    if lists := [reader.kind for reader in readers if reader.kind in _OF_LISTS]:
        raise ModelError(
            f"takes lists of words: {lists[0]} reads {name!r}; begin the pipeline with the Tokenizer"
        )
    if any(name in reader.columns("featuresCol") and reader.kind != _ISOTONIC for reader in readers):
        kinds = {Holds.VECTOR}
    missing_is_nan = any(reader.kind == "Bucketizer" for reader in readers)
    if Holds.VECTOR in kinds:
        read = {column for reader in readers for column in reader.reads}
        return SparkColumn(name, Holds.VECTOR, size_of_vectors(parts, next(iter(names & read))))
    labels = _labels(readers, names)
    if labels and all(map(_FROM_DOUBLE.fullmatch, labels)):
        return SparkColumn(name, Holds.NUMBER, labels=labels)
    if Holds.WORD in kinds and Holds.NUMBER not in kinds:
        return SparkColumn(name, Holds.WORD, labels=labels)
    if labels:
        return SparkColumn(name, Holds.WHOLE_NUMBER, labels=labels)
    return SparkColumn(name, Holds.NUMBER, missing_is_nan=missing_is_nan)


def _labels(readers: Iterable[SparkStage], names: set[str]) -> tuple[str, ...]:
    for reader in readers:
        if reader.kind == _INDEXER:
            return tuple(reader.labels(next(name for name in reader.reads if name in names)))
    return ()


_INDEXER = "StringIndexerModel"
_ISOTONIC = "IsotonicRegressionModel"
_FROM_DOUBLE = re.compile(r"-?\d+\.\d+(E-?\d+)?")
"""What Spark's indexer makes of a number: 1.0 of 1 in a column of doubles."""
_OF_LISTS = {
    "HashingTF",
    "CountVectorizerModel",
    "NGram",
    "StopWordsRemover",
    "Word2VecModel",
    "FPGrowthModel",
}
"""Stages that read lists of words."""
_HOLDS = {
    **dict.fromkeys((_INDEXER, "Tokenizer", "RegexTokenizer"), Holds.WORD),
    **dict.fromkeys(
        (
            "BucketedRandomProjectionLSHModel",
            "ChiSqSelectorModel",
            "DCT",
            "ElementwiseProduct",
            "IDFModel",
            "MaxAbsScalerModel",
            "MinHashLSHModel",
            "MinMaxScalerModel",
            "Normalizer",
            "PCAModel",
            "PolynomialExpansion",
            "RobustScalerModel",
            "StandardScalerModel",
            "UnivariateFeatureSelectorModel",
            "VarianceThresholdSelectorModel",
            "VectorIndexerModel",
            "VectorSizeHint",
            "VectorSlicer",
        ),
        Holds.VECTOR,
    ),
}
"""What stages read, by their class; all others read numbers, or `features`, a vector."""
_MAX_GUESSED = 5
"""Maximum columns of a refused expression whose kinds are tried."""


def _checked(
    columns: dict[str, SparkColumn], unknown: Collection[str], stages: Sequence[SparkStage]
) -> dict[str, SparkColumn]:
    """Return the columns, once Spark's own checks of all stages accept them.

    Args:
        columns: by name.
        unknown: those that statements alone read, and that are numbers so far.
        stages: of the pipeline.
    """
    schema = java_schema(SparkInputs(tuple(columns.values())).schema)
    for stage in stages:
        try:
            if words := _words(stage, schema, unknown):
                known = {name: replace(columns[name], holds=Holds.WORD) for name in words}
                return _checked({**columns, **known}, set(unknown) - words, stages)
            schema = stage.fitted.transformSchema(schema)
        except SPARK_ERRORS as error:
            named = [name for name in unknown if stage.statement is None or _names(error, name)]
            for name, holds in product(named[:_MAX_GUESSED], (Holds.WORD, Holds.FLAG)):
                other = {name: replace(columns[name], holds=holds)}
                with suppress(ModelError):
                    return _checked({**columns, **other}, set(unknown) - {name}, stages)
            raise ModelError(
                f"takes other columns than {', '.join(map(repr, columns))}, which its stages name: "
                f"{stage.kind} says {reason_of(error)}; {REMEDY}"
            ) from None
    return columns


def _words(stage: SparkStage, schema: Any, unknown: Collection[str]) -> set[str]:
    """Return the columns, so far numbers, that a statement takes as words."""
    if stage.statement is None or not set(unknown).intersection(stage.reads):
        return set()
    analyzed = stage.fitted.transform(java_frame((), schema)).queryExecution().analyzed()
    return (words_in(analyzed) & set(unknown)) - stage.statement.made_words


def _names(error: BaseException, column: str) -> bool:
    return (
        re.search(rf"(?<!\w){re.escape(column)}(?!\w)", reason_of(error).partition("SQLSTATE")[0]) is not None
    )
