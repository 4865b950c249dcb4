"""What a pipeline answers: columns of its result, by the names of the outputs.

prediction      of the last stage that predicts; the words of an IndexToString that follows
probability     of a classifier, with its classes
rawPrediction   on request
index           on request: the number that an IndexToString makes a word of

Columns that later stages make are answered by default, under their own names; those of earlier stages on
request. A pipeline that predicts nothing answers what its last stage makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.spark.stages import PREDICTION, PROBABILITY, RAW_PREDICTION
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.spark.stages import SparkStage

_PREDICTION, _PROBABILITY, _RAW, _INDEX = "prediction", "probability", "rawPrediction", "index"
_NUMBERS = ("double", "float", "decimal", "bigint", "int", "smallint", "tinyint", "boolean")


@dataclass
class SparkOutput:
    """An output.

    Attributes:
        column: of the result.
        is_vector: whether each row has several numbers.
        is_word: whether each row has a string.
        on_request: whether it is computed only on request.
        classes: labels along the last axis.
    """

    column: str
    is_vector: bool = False
    is_word: bool = False
    on_request: bool = True
    classes: tuple[str, ...] = field(default=())

    @property
    def datatype(self) -> Datatype:
        """Datatype of the tensor."""
        return Datatype.BYTES if self.is_word else Datatype.FP64

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return a tensor of the values of all rows; None where Spark gives none.

        Raises:
            InputError: there is no string for a row, which no tensor can say.
        """
        if self.is_word:
            if None in values:
                raise InputError(
                    f"Spark gives no {self.column!r} for row {values.index(None)}; request other rows"
                )
            words = np.empty(len(values), dtype=object)
            words[:] = values
            return words
        rows = [value.toArray() if hasattr(value, "toArray") else value for value in values]
        if not self.is_vector:
            return np.array([np.nan if row is None else row for row in rows], dtype=np.float64)
        size = max((len(row) for row in rows if row is not None), default=0)
        return np.array([np.full(size, np.nan) if row is None else row for row in rows], dtype=np.float64)


def outputs_for(
    stages: Sequence[SparkStage], kept: Sequence[SparkStage], types: Mapping[str, str], inputs: Sequence[str]
) -> dict[str, SparkOutput]:
    """Return the outputs of a pipeline by name, those by default first.

    Args:
        stages: all stages.
        kept: those that are evaluated.
        types: names of the types in Spark by the columns of the result.
        inputs: names of the input columns.

    Raises:
        ModelError: no column of the result fits into a tensor; the message continues after "model <uid>".
    """
    columns = {
        name: made for name, kind in types.items() if name not in inputs and (made := _made(name, kind))
    }
    predictor = next(
        (stage for stage in reversed(kept) if set(stage.columns(PREDICTION)) & set(columns)), None
    )
    if predictor is None:
        found = {name: columns[name] for name in kept[-1].makes if name in columns} or dict(columns)
        _by_default(found.values())
        return _checked({**found, **columns})
    (prediction,) = predictor.columns(PREDICTION)
    later = kept[kept.index(predictor) + 1 :]
    words = next((s for s in later if s.kind == "IndexToString" and prediction in s.reads), None)
    classes = _classes(predictor, words, stages)
    found = {_PREDICTION: columns.pop(prediction)}
    if words is not None and words.makes[0] in columns:
        found = {_PREDICTION: columns[words.makes[0]], _INDEX: found[_PREDICTION]}
        found[_PREDICTION] = SparkOutput(words.makes[0], is_word=True)
    defaults = [found[_PREDICTION]]
    for name, parameter in ((_PROBABILITY, PROBABILITY), (_RAW, RAW_PREDICTION)):
        for column in set(predictor.columns(parameter)) & set(columns):
            found[name] = columns.pop(column)
            found[name].classes = classes
            defaults += [found[name]] if name == _PROBABILITY else []
    made_later = {name for stage in later if stage is not words for name in stage.makes}
    _by_default([*defaults, *(output for name, output in columns.items() if name in made_later)])
    ordered = sorted(
        {**columns, **found}.items(), key=lambda each: (each[1].on_request, each[0] not in found)
    )
    return _checked(dict(ordered))


def _made(name: str, kind: str) -> SparkOutput | None:
    """Return the output of a column; None: no tensor holds its type."""
    if kind == "vector" or (kind.startswith("array<") and kind[6:-1].startswith(_NUMBERS)):
        return SparkOutput(name, is_vector=True)
    if kind == "string":
        return SparkOutput(name, is_word=True)
    return SparkOutput(name) if kind.startswith(_NUMBERS) else None


def _by_default(outputs: Any) -> None:
    for output in outputs:
        output.on_request = False


def _checked(outputs: dict[str, SparkOutput]) -> dict[str, SparkOutput]:
    if not outputs:
        raise ModelError(
            "is a pipeline that makes no numbers, words or vectors; push one that ends with a stage that does"
        )
    return outputs


def _classes(
    predictor: SparkStage, words: SparkStage | None, stages: Sequence[SparkStage]
) -> tuple[str, ...]:
    """Return the labels of a classifier's classes, from the stage that turns indexes to words, or back."""
    if words is not None and (labels := list(words.fitted.getLabels())):
        return tuple(labels)
    for stage in (part for each in stages for part in (each.inner or (each,))):
        for read, made in zip(stage.reads, stage.makes, strict=False):
            if stage.kind == "StringIndexerModel" and made in predictor.columns("labelCol"):
                return tuple(stage.labels(read))
    return ()
