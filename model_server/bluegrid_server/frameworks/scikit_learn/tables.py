"""Tables of pandas, which is imported for the first model that takes one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.features import word_of
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.scikit_learn.columns import Column

_X = "x"


class Table:
    """A table with the columns, in the order and with the names that the estimator was fitted on.

    Columns that no part takes are not asked for, and hold NaN; a request may have them.

    Args:
        columns: of the table; if those that are used hold numbers, one tensor has them all.
        as_objects: whether numbers and booleans are objects in the table.

    Attributes:
        specs: of the tensors.
        known: by name of a column, values that the training knew.
    """

    def __init__(self, columns: Sequence[Column], *, as_objects: bool = False) -> None:
        self._pandas = pandas()
        self._as_objects = as_objects
        self._columns = columns
        used = [column for column in columns if column.is_used]
        unused = tuple(column.name for column in columns if not column.is_used)
        if all(column.datatype == Datatype.FP64 for column in used):
            names = tuple(column.name for column in used)
            self.specs: tuple[TensorSpec, ...] = (
                TensorSpec(_X, (-1, len(names)), columns=names, ignored=unused),
            )
            self._places = {name: place for place, name in enumerate(names)}
        else:
            self.specs = specs_of(used, unused)
            self._places = {}
        self.known = known_of(used)

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> Any:
        """Return the table of n rows."""
        series = {column.name: self._series(column, tensors) for column in self._columns}
        return self._pandas.DataFrame(series)

    def _series(self, column: Column, tensors: Mapping[str, NDArray[Any]]) -> Any:
        if not column.is_used:
            return np.full(len(next(iter(tensors.values()))), np.nan)
        if self._places:
            values = tensors[_X][:, self._places[column.name]]
        else:
            values = text_of(tensors[column.name].reshape(-1), [column.missing])
        if column.categories:
            # Other categories too: the framework says what they are to a model.
            others = [each for each in values.tolist() if each == each and each not in column.categories]
            return self._pandas.Categorical(values, [*column.categories, *dict.fromkeys(others)])
        values = _as_integers(values) if column.holds_integers else values
        return values.astype(object) if self._as_objects else values


def pandas() -> Any:
    """Return the module; raise ModelError if this image does not have it."""
    try:
        return import_module("pandas")
    except ImportError as error:
        raise ModelError(
            f"takes tables of pandas, which this image does not have ({error}); use one with it, "
            "or fit the model on an array"
        ) from None


def specs_of(columns: Sequence[Column], ignored: tuple[str, ...] = ()) -> tuple[TensorSpec, ...]:
    """Return a spec for each column."""
    return tuple(
        TensorSpec(
            column.name,
            (-1, 1),
            column.datatype,
            takes_integers=column.takes_integers,
            takes_null=column.datatype == Datatype.BYTES,
            ignored=ignored,
        )
        for column in columns
    )


def text_of(values: NDArray[Any], missing: Sequence[Any]) -> NDArray[Any]:
    """Return an array of words as in the training.

    Args:
        values: of a request; `bytes` if it has binary data, None where a word is missing. Numbers stay as
            they are.
        missing: what stands for a missing word: in each column, or in all.
    """
    if values.dtype != object:
        return values
    text = np.empty(values.shape, dtype=object)
    text.flat[:] = [
        missing[place % len(missing)] if each is None else word_of(each)
        for place, each in enumerate(values.flat)
    ]
    return text


def known_of(columns: Sequence[Column]) -> dict[str, tuple[Any, ...]]:
    """Return the known values of columns by name."""
    return {column.name: column.values for column in columns if column.values}


def _as_integers(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as integers, as in the training, if they are integers."""
    with np.errstate(invalid="ignore"):
        integers = numbers.astype(np.int64)
    return integers if (integers == numbers).all() else numbers
