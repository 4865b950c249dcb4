"""A fitted pipeline as a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql.types import LongType, StructField, StructType

from bluegrid_registry.errors import ModelError
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.made_rows import made_rows
from bluegrid_server.frameworks.spark.columns import REMEDY, VECTOR, inputs_for
from bluegrid_server.frameworks.spark.local import LocalPlan, NotLocalError, columns_read
from bluegrid_server.frameworks.spark.outputs import outputs_for
from bluegrid_server.frameworks.spark.session import SPARK_ERRORS, is_caused_by_values, reason_of, session
from bluegrid_server.frameworks.spark.stages import PREDICTION, needed
from bluegrid_server.frameworks.spark.tables import java_frame, java_schema, python_frame
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.spark.stages import SparkStage

    Arrays = Mapping[str, NDArray[Any]]

_ROW = "__bluegrid_row"
"""A column with the number of a row, because stages may leave rows out."""
_LOCAL = "local"


class SparkModel:
    """A fitted pipeline.

    Args:
        stages: all its stages.

    Raises:
        ModelError: the pipeline cannot be served; the message continues after "model <uid>".

    Attributes:
        parameters: for the metadata: `spark` is `local`, or why each request is a Spark job.
    """

    def __init__(self, stages: Sequence[SparkStage]) -> None:
        self._stages = needed(stages, _answers_of(stages))
        self._inputs = inputs_for(self._stages, [stage for stage in stages if stage not in self._stages])
        self._schema = java_schema(StructType([*self._inputs.schema, StructField(_ROW, LongType())]))
        self._made = self._made_rows()
        self._made_result = self._result_of_made_rows()
        types = dict(python_frame(self._made_result).dtypes)
        self._has_rows = _ROW in types
        types.pop(_ROW, None)
        names = [column.name for column in self._inputs.columns]
        self._outputs = outputs_for(stages, self._stages, types, names)
        self._plans: dict[tuple[str, ...], LocalPlan] = {}
        self._default = tuple(name for name, output in self._outputs.items() if not output.on_request)
        self._leave_out_unused()
        self.inputs = self._inputs.specs
        self.known_values = self._inputs.known
        self._reason, example = self._proven()
        self.parameters = {"spark": self._reason or _LOCAL}
        self.outputs = tuple(self._spec(name, example.get(name)) for name in self._outputs)

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return the outputs that are not on request."""
        return self._answer(self._inputs.rows(inputs), self._default)

    def on_request(self, inputs: Arrays, names: Collection[str]) -> dict[str, NDArray[Any]]:
        """Return the named outputs."""
        return self._answer(self._inputs.rows(inputs), tuple(names))

    def _answer(self, rows: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        try:
            found = self._by_job(rows, names) if self._reason else self._locally(rows, names)
        except SPARK_ERRORS as error:
            if is_caused_by_values(error):
                raise InputError(f"Spark refuses these values: {reason_of(error)}") from None
            raise
        by_row = self._by_row(found, len(rows))
        return {
            name: self._outputs[name].array([None if row is None else row[place] for row in by_row])
            for place, name in enumerate(names)
        }

    def _by_row(self, found: Sequence[Any], count: int) -> Sequence[Any]:
        """Return the results of rows in order; None of a row that a stage skips (`handleInvalid`)."""
        if not self._has_rows:
            if len(found) != count:
                raise InputError(
                    f"Spark gives {len(found)} rows for {count}; ask for one row, or train with SELECT *"
                )
            return found
        results: list[Any] = [None] * count
        for row in found:
            results[row[-1]] = row
        return results

    def _locally(self, rows: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> list[Any]:
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = LocalPlan(self._selected(self._made_result, names), self._schema)
        return plan.rows(_numbered(rows))

    def _by_job(self, rows: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> list[Any]:
        result = self._transformed(java_frame(_numbered(rows), self._schema))
        found: list[Any] = python_frame(self._selected(result, names)).collect()
        return found

    def _selected(self, frame: Any, names: tuple[str, ...]) -> Any:
        columns = [self._outputs[name].column for name in names] + ([_ROW] if self._has_rows else [])
        return python_frame(frame).select(*(f"`{column.replace('`', '``')}`" for column in columns))._jdf

    def _transformed(self, frame: Any) -> Any:
        for stage in self._stages:
            frame = stage.fitted.transform(frame)
        return frame

    def _leave_out_unused(self) -> None:
        """Leave out columns that statements read and no answer by default needs, such as labels."""
        if all(stage.statement is None for stage in self._stages):
            return
        read = columns_read(self._selected(self._made_result, self._default))
        unused = {column.name for column in self._inputs.columns} - (read or set())
        if not read or not unused:
            return
        for name in set(self._outputs) - set(self._default):
            needs = columns_read(self._selected(self._made_result, (name,)))
            if needs is None or needs & unused:
                del self._outputs[name]
        self._inputs = self._inputs.without(unused)
        self._made = self._made_rows()

    def _made_rows(self) -> list[list[tuple[Any, ...]]]:
        inputs = self._inputs
        return [inputs.rows(tensors) for tensors in made_rows(inputs.specs, known=inputs.known)]

    def _result_of_made_rows(self) -> Any:
        """Return the result of the first made row that is accepted by stages which look at the first row."""
        schema = StructType([*self._inputs.schema, StructField(_ROW, LongType())])
        reason = "its inputs are too large to be made up"
        for (row,) in self._made:
            # A plan on this table is not evaluated when it is optimized.
            table = session().createDataFrame([(*map(_external, row), 0)], schema, verifySchema=False)
            try:
                return self._transformed(table._jdf)
            except SPARK_ERRORS as error:
                reason = reason_of(error)
        names = ", ".join(repr(column.name) for column in self._inputs.columns)
        raise ModelError(f"takes other columns than {names}, which its stages name: {reason}; {REMEDY}")

    def _proven(self) -> tuple[str, Arrays]:
        """Return why requests are jobs, or an empty string; and an answer to made rows."""
        names = tuple(self._outputs)
        self._reason = ""
        local: list[tuple[tuple[Any, ...], Arrays]] = []
        refused: list[tuple[Any, ...]] = []
        try:
            for (row,) in self._made:
                try:
                    local.append((row, self._answer([row], names)))
                except InputError:
                    refused.append(row)
        except (NotLocalError, *SPARK_ERRORS) as error:
            why = str(error) if isinstance(error, NotLocalError) else reason_of(error)
            self._reason = f"a job: {why}"
            return self._reason, self._first_answer(names)
        self._reason = "a job"
        if not local:
            return "a job: no made row has an answer to compare", {}
        answers = self._answer([row for row, _ in local], names)
        expected = {name: np.concatenate([answer[name] for _, answer in local]) for name in names}
        if not all(_are_equal(answers[name], expected[name]) for name in names):
            return "a job: its answers differ from those without one", answers
        if refused and self._has_answer(refused[0], names):
            return "a job: it answers a row that is refused without one", answers
        return "", answers

    def _has_answer(self, row: tuple[Any, ...], names: tuple[str, ...]) -> bool:
        try:
            self._answer([row], names)
        except InputError:
            return False
        return True

    def _first_answer(self, names: tuple[str, ...]) -> Arrays:
        for (row,) in self._made:
            try:
                return self._answer([row], names)
            # Values that one row has may be refused, and those of another accepted.
            except (InputError, *SPARK_ERRORS):
                continue
        return {}

    def _spec(self, name: str, example: NDArray[Any] | None) -> TensorSpec:
        output = self._outputs[name]
        shape = example.shape[1:] if example is not None else (-1,) * output.is_vector
        return TensorSpec(
            name,
            (-1, *(size or -1 for size in shape)),
            output.datatype,
            classes=output.classes if output.is_vector and shape == (len(output.classes),) else (),
            on_request=output.on_request,
        )


def _answers_of(stages: Sequence[SparkStage]) -> list[str]:
    """Return the columns that a pipeline is for: what its last stage and its last predictor make."""
    predictor = next((stage for stage in reversed(stages) if stage.columns(PREDICTION)), None)
    if not stages:
        raise ModelError("is a pipeline without stages; push one that has been fitted")
    return [*stages[-1].makes, *(predictor.makes if predictor else ())]


def _numbered(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row, number) for number, row in enumerate(rows)]


def _external(value: Any) -> Any:
    """Return a value as DataFrames of Python take it: vectors as objects."""
    return VECTOR.deserialize(value) if isinstance(value, tuple) else value


def _are_equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
