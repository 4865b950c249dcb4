"""What an estimator takes, and how the tensors of a request become it.

An estimator that was fitted on an array gets an array. An estimator that was fitted on a table gets an array
too if that answers the same, because a table takes longer and needs pandas. It gets a table if a part selects
columns by name, a column holds words, or a function of the model's author may use the table.
"""

from __future__ import annotations

from contextlib import suppress
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.scikit_learn.columns import Column, ColumnFacts, present
from bluegrid_server.frameworks.scikit_learn.parts import attribute_of_input, class_name, leaves_of_input
from bluegrid_server.frameworks.scikit_learn.tables import Table, known_of, pandas, specs_of, text_of
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Known = Mapping[str, Sequence[Any]]

_X = "x"
_UNCOUNTED = -1
"""Number of features of an estimator that does not say how many it takes."""
_ONE_COLUMN = {"IsotonicRegression"}
_LABELS = {"LabelEncoder", "LabelBinarizer"}
_TEXTS = {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}
_MANY_WORDS = 8
"""Number of words of a vocabulary that are kept."""
_NO_TENSORS = {
    "DictVectorizer": "dicts",
    "FeatureHasher": "dicts or lists of words",
    "MultiLabelBinarizer": "sets of labels",
    "PatchExtractor": "images",
}
"""Estimators whose input is no tensor, and what it is."""


class Inputs(Protocol):
    """Makes the input of an estimator."""

    @property
    def specs(self) -> tuple[TensorSpec, ...]:
        """Specs of the tensors."""

    @property
    def known(self) -> Known:
        """By name of an input or a column, values that the training knew."""

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> Any:
        """Return what the estimator takes."""


class Rows:
    """Rows of numbers, as they are."""

    def __init__(self, spec: TensorSpec, known: Known | None = None) -> None:
        self.specs = (spec,)
        self.known = known or {}

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the array."""
        return tensors[_X]


class Words:
    """Texts, labels or rows of words in one array.

    Args:
        shape: of the tensor.
        known: some of the words.
        missing: what stands for a missing word: in each column, or in all.
    """

    def __init__(
        self, shape: tuple[int, ...], known: Sequence[Any], missing: Sequence[Any] = (np.nan,)
    ) -> None:
        self.specs = (TensorSpec(_X, shape, Datatype.BYTES, takes_null=len(shape) > 1),)
        self.known = {_X: known}
        self._missing = missing

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the array of `str`."""
        return text_of(tensors[_X], self._missing)


class Objects:
    """An array of words and numbers; its columns are x0, x1, …, as scikit-learn calls them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.specs = specs_of(columns)
        self.known = known_of(columns)
        self._columns = columns

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the array of objects (n, k)."""
        parts = [text_of(tensors[column.name], [column.missing]) for column in self._columns]
        return np.concatenate([part.astype(object) for part in parts], axis=1)


def inputs_of(estimator: Any, names: tuple[str, ...]) -> Inputs:
    """Return the inputs of a fitted estimator.

    Args:
        estimator: fitted.
        names: of its columns; empty if it was fitted without names.

    Raises:
        ModelError: no tensors can be its input; the message continues after "model <uid>".
    """
    count = attribute_of_input(estimator, "n_features_in_")
    if not isinstance(count, Integral):
        return _of_uncounted(leaves_of_input(estimator))
    facts = ColumnFacts(estimator, names or ("",) * int(count))
    columns = [
        _column(number, names[number] if names else f"{_X}{number}", facts) for number in range(int(count))
    ]
    datatypes = {column.datatype for column in columns}
    if names and (facts.takes_table or datatypes != {Datatype.FP64}):
        return Table(columns, as_objects=facts.takes_objects)
    if facts.imports_pandas:
        # Now, for all workers, instead of a second in each worker's first request.
        with suppress(ModelError):
            pandas()
    if Datatype.BYTES not in datatypes:
        return Rows(TensorSpec(_X, (-1, int(count)), columns=names), known_of(columns))
    if datatypes == {Datatype.BYTES} and not facts.words:
        known = [value for column in columns for value in column.values]
        return Words((-1, int(count)), known, [column.missing for column in columns])
    return Objects(columns)


def _column(number: int, name: str, facts: ColumnFacts) -> Column:
    if number in facts.words:
        return Column(name, datatype=Datatype.BYTES, takes_integers=True)
    return Column.of(
        name,
        facts.values.get(number, ()),
        is_used=number in facts.used,
        missing=facts.missing.get(number, np.nan),
        categories=facts.categories.get(number, ()),
    )


def _of_uncounted(leaves: Iterable[Any]) -> Inputs:
    """Return the inputs of an estimator that does not count its features, by the parts that get its input."""
    for leaf in leaves:
        name = class_name(leaf)
        if name in _NO_TENSORS:
            raise ModelError(
                f"takes {_NO_TENSORS[name]} ({name}), which requests cannot hold; "
                "fit a ColumnTransformer on a table instead"
            )
        if name in _TEXTS:
            return Words((-1,), [*getattr(leaf, "vocabulary_", ["word"])][:_MANY_WORDS])
        if name in _LABELS:
            labels = Column.of(_X, present(leaf.classes_))
            if labels.datatype == Datatype.BYTES:
                return Words((-1,), labels.values)
            return Rows(TensorSpec(_X, (-1,), labels.datatype), known_of([labels]))
        if name in _ONE_COLUMN:
            return Rows(TensorSpec(_X, (-1, 1)))
    return Rows(TensorSpec(_X, (-1, _UNCOUNTED)))
