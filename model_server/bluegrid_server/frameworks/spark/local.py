"""Evaluates a pipeline in the calling thread, without a Spark job.

A job takes a tenth of a second whatever its rows, because Spark analyzes each stage, plans and schedules.
Here Spark optimizes the plan of a pipeline once. Most plans are a chain of projections and filters, whose
functions are those of the stages. The rule by which Spark's optimizer evaluates such plans in the driver does
so here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.spark.session import java, list_of, scala_object, seq_of
from bluegrid_server.frameworks.spark.tables import array_of, internal_rows, local_relation, python_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RELATION = "LocalRelation"
_PLANS = "org.apache.spark.sql.catalyst.plans.logical"


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
        self._result_type = array_of(node.schema())
        self._steps: list[Any] = []
        while children := list_of(node.children()):
            if len(children) > 1:
                raise NotLocalError(f"its {node.nodeName()} needs one")
            self._steps.append(_with_child(node))
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
            plan = self._rule.apply(step(plan))
        if plan.nodeName() != _RELATION:
            raise NotLocalError(f"its {self._first_job(plan)} needs one")
        return python_rows(plan.data(), self._result_type)

    @staticmethod
    def _first_job(plan: Any) -> str:
        """Return the name of the first step that the rule leaves as it is."""
        name = ""
        while children := list_of(plan.children()):
            name = plan.nodeName()
            (plan,) = children
        return name


def columns_read(frame: Any) -> set[str] | None:
    """Return the columns of its tables that a DataFrame of the JVM needs; None: that is not known."""
    plan = frame.queryExecution().optimizedPlan()
    if not plan.subqueriesAll().isEmpty():
        return None
    attributes: dict[str, str] = {}
    references: set[str] = set()
    nodes = [plan]
    while nodes:
        node = nodes.pop()
        children = list_of(node.children())
        references |= {each.toString() for each in list_of(node.references().toSeq())}
        if not children:
            attributes |= {each.toString(): each.name() for each in list_of(node.output())}
        nodes += children
    return {name for attribute, name in attributes.items() if attribute in references}


def _with_child(node: Any) -> Callable[[Any], Any]:
    """Return a function that returns this operator for another child, in one message if it is a usual one."""
    name = node.nodeName()
    if name == "Project":
        return partial(java(f"{_PLANS}.Project"), node.projectList())
    if name == "Filter":
        return partial(java(f"{_PLANS}.Filter"), node.condition())
    return lambda child: node.withNewChildren(seq_of(child))
