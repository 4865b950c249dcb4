"""Evaluates a pipeline in the calling thread, without a Spark job.

A job takes a tenth of a second whatever its rows, because Spark analyzes each stage, plans and schedules.
Here Spark optimizes the plan of a pipeline once. Most plans are a chain of projections and filters, whose
functions are those of the stages. The rule by which Spark's optimizer evaluates such plans in the driver does
so here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.spark.session import java, list_of, scala_object, seq_of
from bluegrid_server.frameworks.spark.tables import internal_rows, local_relation, python_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_RELATION = "LocalRelation"


class NotLocalError(Exception):
    """A plan needs a Spark job; the message says why."""


class LocalPlan:
    """A plan of rows.

    Args:
        frame: of the JVM: the result of a pipeline for a table that is no plan of rows.
        schema: of the table, in the JVM.

    Raises:
        NotLocalError: the plan depends on the time, or has several tables.
    """

    def __init__(self, frame: Any, schema: Any) -> None:
        execution = frame.queryExecution()
        pattern = java("org.apache.spark.sql.catalyst.trees.TreePattern").CURRENT_LIKE()
        if execution.analyzed().containsPattern(pattern):
            raise NotLocalError("its answers depend on the time of the request")
        node = execution.optimizedPlan()
        self._schema = schema
        self._result_schema = node.schema()
        self._steps: list[Any] = []
        while children := list_of(node.children()):
            if len(children) > 1:
                raise NotLocalError(f"its {node.nodeName()} needs one")
            self._steps.append(node)
            (node,) = children
        self._steps.reverse()
        self._attributes = node.output()
        self._rule = scala_object("org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation")

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the result for rows.

        Raises:
            NotLocalError: a step of the plan needs a job.
        """
        plan = local_relation(self._attributes, internal_rows(rows, self._schema))
        for step in self._steps:
            plan = self._rule.apply(step.withNewChildren(seq_of(plan)))
            if plan.nodeName() != _RELATION:
                raise NotLocalError(f"its {plan.nodeName()} needs one")
        return python_rows(plan.data(), self._result_schema)
