"""Features of boosters: one table of numbers or, if some features are categories with names, columns.

Boosters of XGBoost and LightGBM compute with the codes of categories: their places in a list for each
feature. If a file holds these lists, a model takes columns by name, with categories as they were in the
training data. It also takes the table `x` of all features as numbers, with codes in place of categories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Category = str | float | bool

TABLE = "x"
"""Name of the input with all features."""


class Features(Protocol):
    """The features of a row."""

    @property
    def specs(self) -> tuple[TensorSpec, ...]:
        """Specs of the inputs."""

    @property
    def known_values(self) -> Mapping[str, Sequence[Category]]:
        """Categories of the columns that have any."""

    @property
    def example(self) -> NDArray[Any]:
        """A row that every booster takes, (1, k)."""

    def rows(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return rows (n, k) as the framework takes them."""


class Numbers:
    """Features that are numbers, in one table.

    Args:
        count: number of features, k.
        names: of the features, in order; empty if the model has none.
    """

    def __init__(self, count: int, names: Sequence[str] = ()) -> None:
        self.specs = (TensorSpec(TABLE, (-1, count), columns=tuple(names)),)
        self.known_values: Mapping[str, Sequence[Category]] = {}
        self.example = np.zeros((1, count))

    def rows(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the table."""
        return inputs[TABLE]


class Columns:
    """Features in columns, some of which are categories with names.

    Args:
        names: of the features, in order.
        categories: by the name of a feature, its categories in the order of their codes: all strings, or all
            numbers.
        refuses_unknown: whether a category that is in no list is an error; otherwise it is a missing value.
    """

    def __init__(
        self,
        names: Sequence[str],
        categories: Mapping[str, Sequence[Category]],
        *,
        refuses_unknown: bool,
    ) -> None:
        self._names = names
        self._codes = {
            name: {category: float(code) for code, category in enumerate(values)}
            for name, values in categories.items()
        }
        self.known_values = categories
        self._refuses_unknown = refuses_unknown
        self.specs = tuple(map(self._spec, names))
        self.example = np.zeros((1, len(names)))

    def _spec(self, name: str) -> TensorSpec:
        is_of_words = any(isinstance(category, str) for category in self._codes.get(name, ()))
        datatype = Datatype.BYTES if is_of_words else Datatype.FP64
        return TensorSpec(name, (-1, 1), datatype, table=TABLE, takes_null=is_of_words)

    def rows(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return rows of numbers from columns (n, 1), or from the table.

        Raises:
            InputError: a category is unknown, and the framework refuses it.
        """
        if inputs.keys() != set(self._names):
            return inputs[TABLE]
        return np.hstack([self._numbers(name, inputs[name]) for name in self._names])

    def _numbers(self, name: str, column: NDArray[Any]) -> NDArray[Any]:
        codes = self._codes.get(name)
        if codes is None:
            return column
        numbers = np.full(column.shape, np.nan)
        for row, category in enumerate(map(word_of, column[:, 0].tolist())):
            if (code := codes.get(category)) is not None:
                numbers[row] = code
            # None and NaN, the only value that differs from itself, are missing values.
            elif self._refuses_unknown and category is not None and category == category:
                raise InputError(f"input {name!r}: {category!r} is a category not in the training data")
        return numbers


def word_of(element: Any) -> Any:
    """Return a string that came as binary data, and any other element of a tensor, as a Python object."""
    return element.decode(errors="replace") if isinstance(element, bytes) else element


def features_of(
    count: int,
    names: Sequence[str],
    categories: Mapping[str, Sequence[Category]],
    *,
    refuses_unknown: bool = False,
) -> Features:
    """Return columns if any category differs from its code, otherwise one table; arguments as `Columns`."""
    if any(list(values) != [*range(len(values))] for values in categories.values()):
        return Columns(names, categories, refuses_unknown=refuses_unknown)
    return Numbers(count, names)
