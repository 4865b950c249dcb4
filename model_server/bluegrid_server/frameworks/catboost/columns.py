"""Features of CatBoost in columns, some of which are categories or texts.

A file has hashes of its categories, no names: any category is accepted, one that is not in the training data
too. Integers as categories are their digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.features import TABLE, word_of
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.features import Category


class MixedColumns:
    """Features in columns of numbers and of strings.

    Args:
        names: of the features, in order.
        categories: places of the features that are categories.
        texts: places of the features that are texts, which CatBoost splits into words.
    """

    def __init__(self, names: Sequence[str], categories: Collection[int], texts: Collection[int]) -> None:
        self._names = names
        self._categories = categories
        # A table of numbers can hold integers as categories, but no texts.
        table = "" if texts else TABLE
        self.specs = tuple(
            TensorSpec(
                name,
                (-1, 1),
                Datatype.BYTES if place in categories or place in texts else Datatype.FP64,
                table=table,
                takes_integers=place in categories,
            )
            for place, name in enumerate(names)
        )
        self.known_values: Mapping[str, Sequence[Category]] = {}
        self.example = np.array(
            [["0" if spec.datatype == Datatype.BYTES else 0.0 for spec in self.specs]], dtype=object
        )

    def rows(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return rows of objects (n, k) from columns (n, 1), or from the table of numbers.

        Raises:
            InputError: a category in the table is not an integer.
        """
        if inputs.keys() != set(self._names):
            return self._of_table(inputs[TABLE])
        rows = np.empty((len(inputs[self._names[0]]), len(self._names)), dtype=object)
        for place, name in enumerate(self._names):
            rows[:, place] = [word_of(element) for element in inputs[name][:, 0].tolist()]
        return rows

    def _of_table(self, table: NDArray[Any]) -> NDArray[Any]:
        rows = table.astype(object)
        for place in self._categories:
            column = table[:, place]
            if not (column == np.trunc(column)).all():
                raise InputError(
                    f"input {TABLE!r}: column {self._names[place]!r} must hold integers: categories"
                )
            rows[:, place] = [str(int(number)) for number in column]
        return rows
