"""The stages of a fitted pipeline: the columns that each reads and makes, and which stages the outputs need.

Spark has no list of a stage's columns. It names them in parameters, such as `inputCol`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.spark.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_READ = ("inputCol", "inputCols", "featuresCol", "userCol", "itemCol", "itemsCol", "offsetCol")
"""Parameters that name columns which a fitted stage reads. Labels and weights are read by training alone."""
PREDICTION, PROBABILITY, RAW_PREDICTION = "predictionCol", "probabilityCol", "rawPredictionCol"
_MADE = (
    PREDICTION,
    PROBABILITY,
    RAW_PREDICTION,
    "outputCol",
    "outputCols",
    "leafCol",
    "quantilesCol",
    "topicDistributionCol",
    "varianceCol",
)
"""Parameters that name columns which a fitted stage makes."""
_SELECTIONS = {"CrossValidatorModel", "TrainValidationSplitModel"}
"""Stages that have selected the best of several models."""
_INDEXER = "StringIndexerModel"


@dataclass(frozen=True)
class SparkStage:
    """A fitted stage.

    Attributes:
        fitted: the object of the JVM.
    """

    fitted: Any

    @cached_property
    def kind(self) -> str:
        """Name of its class, without the package."""
        return str(self.fitted.getClass().getSimpleName())

    @cached_property
    def statement(self) -> Statement | None:
        """The SQL of a SQLTransformer; None: it is another stage."""
        return Statement.parsed(self.fitted.getStatement()) if self.kind == "SQLTransformer" else None

    @cached_property
    def inner(self) -> tuple[SparkStage, ...]:
        """The stages of which an RFormulaModel consists; empty: it is another stage."""
        if self.kind != "RFormulaModel":
            return ()
        return tuple(_flat(self.fitted.pipelineModel()))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The columns that it reads."""
        if self.statement is not None:
            return self.statement.reads
        if self.inner:
            return tuple(inputs_of(needed(self.inner, self.columns("featuresCol"))))
        return self.columns(*_READ)

    @cached_property
    def makes(self) -> tuple[str, ...]:
        """The columns that it makes."""
        if self.statement is not None:
            return self.statement.makes
        if self.inner:
            return self.columns("featuresCol")
        made = self.columns(*_MADE)
        # A stage with a list of outputs has a default for its only output too.
        only = self.columns("outputCol") if self.columns("outputCols") else ()
        return tuple(column for column in made if column not in only)

    def reads_for(self, columns: set[str]) -> tuple[str, ...]:
        """Return the columns that it reads to make these: Spark's indexers skip a column that is missing."""
        if self.kind != _INDEXER:
            return self.reads
        return tuple(read for read, made in zip(self.reads, self.makes, strict=False) if made in columns)

    def labels(self, column: str) -> list[str]:
        """Return the labels of a StringIndexer for a column that it reads."""
        return list(self.fitted.labelsArray()[self.reads.index(column)])

    def columns(self, *names: str) -> tuple[str, ...]:
        """Return the columns that these parameters name."""
        found: list[str] = []
        for name in names:
            if self.fitted.hasParam(name) and self.fitted.isDefined(self.fitted.getParam(name)):
                value = self.fitted.getOrDefault(self.fitted.getParam(name))
                found += [value] if isinstance(value, str) else list(value)
        return tuple(filter(None, found))


def stages_of(pipeline: Any) -> tuple[SparkStage, ...]:
    """Return the stages of a PipelineModel of Python, of nested pipelines too.

    Raises:
        ModelError: a stage has no code in Java; the message continues after "model <uid>".
    """
    try:
        return tuple(_flat(pipeline._to_java()))
    except AttributeError:
        own = next(
            (type(stage).__name__ for stage in pipeline.stages if not hasattr(stage, "_to_java")), "a stage"
        )
        raise ModelError(
            f"holds {own}, a stage in Python, and a pod runs those of Spark; use a SQLTransformer instead"
        ) from None


def _flat(fitted: Any) -> Iterator[SparkStage]:
    stage = SparkStage(fitted)
    if stage.kind == "PipelineModel":
        for each in fitted.stages():
            yield from _flat(each)
    elif stage.kind in _SELECTIONS:
        yield from _flat(fitted.bestModel())
    else:
        yield stage


def needed(stages: Sequence[SparkStage], columns: Sequence[str]) -> tuple[SparkStage, ...]:
    """Return the stages that are needed to make columns: those that prepare labels are not."""
    wanted, kept = set(columns), []
    for stage in reversed(stages):
        if stage.statement is None and not wanted.intersection(stage.makes):
            continue
        reads = stage.reads_for(wanted)
        wanted = (wanted - set(stage.makes)) | set(reads)
        kept.append(stage)
    return tuple(reversed(kept))


def inputs_of(stages: Sequence[SparkStage]) -> dict[str, SparkStage]:
    """Return the columns that stages read and no stage makes, in order, with the first stage of each."""
    inputs: dict[str, SparkStage] = {}
    made: set[str] = set()
    for number, stage in enumerate(stages):
        later = {column for other in stages[number + 1 :] for column in other.reads}
        for column in stage.reads_for(later | set(stage.makes if number == len(stages) - 1 else ())):
            if column not in made:
                inputs.setdefault(column, stage)
        made.update(stage.makes)
    return inputs


def size_of_vectors(stages: Sequence[SparkStage], column: str) -> int:
    """Return the size of the vectors in a column, as far as a stage that reads it knows it; otherwise -1."""
    for stage in stages:
        if column not in stage.reads:
            continue
        for size in _SIZES:
            try:
                return int(size(stage.fitted))
            # The stage has no such number.
            except (Py4JError, TypeError):
                continue
        if stage.kind in _OF_SAME_SIZE and stage.makes:
            return size_of_vectors(stages, stage.makes[0])
    return -1


_SIZES: tuple[Callable[[Any], int], ...] = (
    lambda fitted: fitted.numFeatures(),
    lambda fitted: fitted.getSize(),
    lambda fitted: fitted.mean().size(),
    lambda fitted: fitted.pc().numRows(),
    lambda fitted: fitted.idf().size(),
    lambda fitted: fitted.originalMin().size(),
    lambda fitted: fitted.maxAbs().size(),
    lambda fitted: fitted.range().size(),
    lambda fitted: fitted.getScalingVec().size(),
    lambda fitted: fitted.vocabSize(),
)
"""Where stages have the number of features."""
_OF_SAME_SIZE = {"Normalizer", "DCT"}
"""Stages whose vectors are of the size of their input, which they do not know."""
