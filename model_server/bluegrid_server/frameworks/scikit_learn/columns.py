"""What the parts of a fitted estimator know of the columns of its input: their values, and which are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.scikit_learn.parts import class_name, nested_estimators, steps_of
from bluegrid_server.frameworks.scikit_learn.wrappers import categories_of, package_of, words_of
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANY_WORDS = 8
"""Number of words of a vocabulary that are kept."""
_TAKE_ARRAYS = ("sklearn", "lightgbm", "xgboost", "catboost")
"""Packages whose estimators answer the same for a table of numbers and for an array of them."""


@dataclass(frozen=True)
class Column:
    """A column of an estimator's input.

    Attributes:
        name: of the column.
        values: values that training found in it, as far as they are known.
        datatype: of the protocol: words are BYTES, all numbers FP64.
        is_used: whether a part of the estimator takes it.
        missing: what stands for a missing word, as in the training.
        categories: of a column of pandas' category type; empty: it is of another type.
        takes_integers: whether words may also be integers, as for CatBoost.
    """

    name: str
    values: tuple[Any, ...] = ()
    datatype: Datatype = Datatype.FP64
    is_used: bool = True
    missing: Any = np.nan
    categories: tuple[Any, ...] = ()
    takes_integers: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        values: tuple[Any, ...],
        *,
        is_used: bool = True,
        missing: Any = np.nan,
        categories: tuple[Any, ...] = (),
    ) -> Column:
        """Return the column of these values; raise ModelError if the protocol has no datatype for them."""
        if not values or all(isinstance(value, int | float) for value in values):
            is_boolean = bool(values) and all(isinstance(value, bool) for value in values)
            datatype = Datatype.BOOL if is_boolean else Datatype.FP64
            return cls(name, values, datatype, is_used, categories=categories)
        if all(isinstance(value, str) for value in values):
            return cls(name, values, Datatype.BYTES, is_used, missing, categories)
        kinds = " and ".join(sorted({type(value).__name__ for value in values}))
        raise ModelError(
            f"takes a column {name!r} of {kinds}, for which requests have no datatype; "
            "fit it on words or on numbers"
        )

    @property
    def holds_integers(self) -> bool:
        """Whether training found integers only."""
        return bool(self.values) and all(type(value) is int for value in self.values)


class ColumnFacts:
    """What an estimator's parts know of its columns, by number.

    Args:
        estimator: fitted.
        names: of the columns; empty strings if it was fitted without names.

    Attributes:
        values: values that training found in a column, as encoders and imputers keep them.
        missing: what stands for a missing value in a column, where it is not NaN.
        categories: categories of the columns of pandas' category type.
        words: columns of any words or integers.
        used: columns that a part takes.
        takes_table: whether a part needs a table: it selects columns by name, returns tables, or is not of a
            known package.
        takes_objects: whether a part was trained on numbers that were kept as objects, as a table's are where
            it has columns of numbers and of booleans; it fails for other numbers.
        imports_pandas: whether a part imports pandas to answer, if it is installed, though it needs no table.
    """

    def __init__(self, estimator: Any, names: Sequence[str]) -> None:
        self.values: dict[int, tuple[Any, ...]] = {}
        self.missing: dict[int, Any] = {}
        self.categories: dict[int, tuple[Any, ...]] = {}
        self.words: set[int] = set()
        self.used: set[int] = set()
        self.takes_table = self.takes_objects = False
        self.imports_pandas = False
        self._numbers = {name: number for number, name in enumerate(names) if name}
        self._learn(estimator, [*range(len(names))])

    def _learn(self, part: Any, columns: Sequence[int | None] | None) -> None:
        """Learn from a part that gets these columns.

        Args:
            part: estimator.
            columns: their numbers in the input, None for a column that another part made; None if unknown.
        """
        if columns is None:
            # Behind a function of the author's own, columns of the same name hold the same values.
            columns = [self._numbers.get(name) for name in getattr(part, "feature_names_in_", ())]
        self.takes_table |= _returns_tables(part)
        if isinstance(part, Pipeline):
            self._learn_from_steps(part, columns)
        elif isinstance(part, ColumnTransformer) and hasattr(part, "transformers_"):
            self.imports_pandas = True
            for name, transformer, selected in part.transformers_:
                self.takes_table |= _names_columns(selected)
                if not _is_dropped(transformer):
                    self._learn(transformer, _selected(part, name, columns))
        elif isinstance(part, FeatureUnion):
            for _, transformer in part.transformer_list:
                if not _is_dropped(transformer):
                    self._learn(transformer, columns)
        elif nested := nested_estimators(part):
            subsets = getattr(part, "estimators_features_", [range(len(columns))] * len(nested))
            known = dict(enumerate(columns))  # None, if other parts made the columns before.
            for each, subset in zip(nested, subsets, strict=True):
                self._learn(each, [known.get(number) for number in subset])
        else:
            self._learn_from_leaf(part, columns)

    def _learn_from_steps(self, pipeline: Pipeline, columns: Sequence[int | None] | None) -> None:
        for step in steps_of(pipeline) or ["passthrough"]:
            self._learn(step, columns)
            columns = None if columns is None else _passed_on(step, columns)

    def _learn_from_leaf(self, part: Any, columns: Sequence[int | None]) -> None:
        known = {place: column for place, column in enumerate(columns) if column is not None}
        self.used.update(known.values())
        self.takes_table |= bool(known) and _runs_own_code(part)
        self.takes_objects |= _knows_objects(part)
        values, missing = _values_of(part, len(columns)), _missing_in(part, len(columns))
        for place, column in known.items():
            if place < len(values) and _is_better(values[place], self.values.get(column, ())):
                self.values[column] = values[place]
            if place < len(missing) and not isinstance(missing[place], float):
                self.missing.setdefault(column, missing[place])
        self.words.update(known[place] for place in words_of(part) if place in known)
        for place, categories in categories_of(part).items():
            if place in known:
                self.takes_table = True
                self.values[known[place]] = self.categories[known[place]] = tuple(categories)


def _is_dropped(transformer: Any) -> bool:
    return isinstance(transformer, str) and transformer == "drop"


def _names_columns(selected: Any) -> bool:
    return isinstance(selected, str) or (
        isinstance(selected, list | np.ndarray) and any(isinstance(each, str) for each in selected)
    )


def _returns_tables(part: Any) -> bool:
    return bool(getattr(part, "_sklearn_output_config", {}).get("transform") in ("pandas", "polars"))


def _runs_own_code(part: Any) -> bool:
    if class_name(part) == "FunctionTransformer":
        return not (part.func is None or isinstance(part.func, np.ufunc))
    return not isinstance(part, str) and package_of(part) not in _TAKE_ARRAYS


def _is_better(values: tuple[Any, ...], than: tuple[Any, ...]) -> bool:
    """Return whether values say more of a column than others, unless another part made them of the column."""
    return len(values) > len(than) and (not than or type(values[0]) is type(than[0]))


def _selected(transformer: ColumnTransformer, name: str, columns: Sequence[int | None]) -> list[int | None]:
    numbers = transformer._transformer_to_input_indices.get(name, ())
    return [columns[number] for number in numbers if number < len(columns)]


def _values_of(part: Any, count: int) -> Sequence[tuple[Any, ...]]:
    """Return the values that an estimator knows of each of its `count` columns, or nothing."""
    own = getattr(part, "__dict__", {})
    if class_name(part).startswith("HistGradientBoosting") and own.get("_preprocessor") is not None:
        values = ColumnFacts(part._preprocessor, [""] * count).values
        return [values.get(number, ()) for number in range(count)]
    if isinstance(vocabulary := own.get("vocabulary_"), dict):
        return [tuple(map(str, [*vocabulary][:_MANY_WORDS]))] * count
    if class_name(part) == "HashingVectorizer":
        return [("word",)] * count
    if isinstance(categories := own.get("categories_"), list):
        return [present(each) for each in categories]
    if class_name(part) == "SimpleImputer" and part.statistics_.dtype.kind in "OUT":
        return [present([each]) for each in part.statistics_]
    return []


def _knows_objects(part: Any) -> bool:
    """Return whether an estimator keeps categories as objects that are no words."""
    own = getattr(part, "__dict__", {})
    if (inner := own.get("_preprocessor")) is not None:
        return any(_knows_objects(transformer) for _, transformer, _ in inner.transformers_)
    categories = own.get("categories_")
    return isinstance(categories, list) and any(
        each.dtype == object and len(each) > 0 and not any(isinstance(value, str) for value in each)
        for each in categories
    )


def _missing_in(part: Any, count: int) -> Sequence[Any]:
    """Return what an estimator takes for a missing value in each of its columns; NaN if it does not say."""
    own = getattr(part, "__dict__", {})
    if isinstance(categories := own.get("categories_"), list):
        return [next(filter(_is_missing, each.tolist()), np.nan) for each in categories]
    if class_name(part) in ("SimpleImputer", "MissingIndicator") and _is_missing(part.missing_values):
        return [part.missing_values] * count
    return []


def present(values: Any) -> tuple[Any, ...]:
    """Return values as Python's own objects, without those that stand for a missing value."""
    listed = values.tolist() if isinstance(values, np.ndarray) and values.dtype.kind != "M" else values
    return tuple(each for each in listed if not _is_missing(each))


def _is_missing(value: Any) -> bool:
    # pandas' NA is not equal to itself, and says so with NA.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def _passed_on(step: Any, columns: Sequence[int | None]) -> list[int | None] | None:
    """Return of each column that a step gives the column of the input with its values; None if unknown."""
    if isinstance(step, str):
        return [*columns]
    if class_name(step) == "FunctionTransformer":
        return None if _runs_own_code(step) else [*columns]
    if isinstance(step, Pipeline):
        passed: list[int | None] | None = [*columns]
        for each in steps_of(step):
            passed = None if passed is None else _passed_on(each, passed)
        return passed
    if isinstance(step, ColumnTransformer):
        return _passed_on_by_parts(step, columns)
    if class_name(step) == "SimpleImputer" and step.indicator_ is None:
        # It drops the columns for which it has nothing to fill in.
        return [] if any(map(_is_missing, step.statistics_)) else [*columns]
    return []


def _passed_on_by_parts(step: ColumnTransformer, columns: Sequence[int | None]) -> list[int | None]:
    passed: list[int | None] = [None] * max((part.stop for part in step.output_indices_.values()), default=0)
    for name, transformer, _ in step.transformers_:
        place = step.output_indices_[name]
        given = [] if _is_dropped(transformer) else _passed_on(transformer, _selected(step, name, columns))
        if given is not None and len(given) == place.stop - place.start:
            passed[place] = given
    return passed
