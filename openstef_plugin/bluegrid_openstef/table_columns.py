"""The columns of OpenSTEF's table from step to step, while a pipeline is converted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class TableColumns:
    """The columns of OpenSTEF's table before a step.

    Attributes:
        inputs: those of the series.
        names: all, in order.
        is_changed: whether a step has changed values or rows; the series is then not what later steps get.
    """

    inputs: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    is_changed: bool = False

    def __post_init__(self) -> None:
        self.names = [*self.inputs]

    def add(self, step: Any, names: Iterable[str]) -> None:
        """Append the columns that a step adds."""
        for name in names:
            if name in self.names:
                raise not_as_data(f"{name_of(step)} makes the column {name}, which the series has too")
            self.names.append(name)

    def selected(self, selection: Any) -> list[str]:
        """Return the columns that a step selects."""
        return [*selection.resolve(self.names)]

    def fitted(self, step: Any, estimator: Any) -> list[str]:
        """Return the columns that a step selects; ModelError if it was fitted with others."""
        names = self.selected(step.selection)
        if [*estimator.feature_names_in_] != names:
            raise ModelError(
                f"{name_of(step)} was fitted with other columns than it gets now; train it again"
            )
        return names


def not_as_data(fault: str) -> ModelError:
    """Return the error of a pipeline that has no form as `openstef/json`."""
    return ModelError(f"{fault}: openstef/json does not know that; keep the pipeline as openstef/joblib")


def name_of(step: Any) -> str:
    """Return the name of a step's class, for messages."""
    return type(step).__name__
