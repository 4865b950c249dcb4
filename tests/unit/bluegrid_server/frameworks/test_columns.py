"""Models that were fitted on tables or words answer for columns by name as scikit-learn does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from bluegrid_registry import ModelError
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.models.trial import try_out
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = np.random.default_rng(5)
KINDS = np.array(["cable", "overhead", "混合"])[np.arange(60) % 3]
TABLE = pd.DataFrame(
    {
        "temperature": RANDOM.normal(20, 5, size=60),
        "hour": np.arange(60) % 24,
        "kind": KINDS,
        "new": np.arange(60) % 2 == 0,
    }
)
Y = TABLE.temperature.to_numpy() + np.arange(60) % 3
NUMBERS = ["temperature", "hour"]
WORDS = OneHotEncoder(handle_unknown="ignore")


def by_name(words: Any = None, numbers: Any = None, **more: Any) -> ColumnTransformer:
    parts = [("n", numbers or StandardScaler(), NUMBERS), ("w", words or clone(WORDS), ["kind"])]
    return ColumnTransformer(parts, **more)


def by_type() -> ColumnTransformer:
    words = make_column_selector(dtype_include=[object, "string"])
    return ColumnTransformer(
        [("w", WORDS, words), ("n", StandardScaler(), make_column_selector(dtype_include=np.number))]
    )


def gapless() -> ColumnTransformer:
    """The columns as they came, in another order, without missing values."""
    words = SimpleImputer(strategy="constant", fill_value="none")
    return by_name(words, SimpleImputer(), remainder="passthrough", verbose_feature_names_out=False)


def warmer(table: Any) -> Any:
    return table.assign(temperature=table["temperature"] + 3)


MODELS: dict[str, Any] = {
    "by name": make_pipeline(by_name(), Ridge()),
    "by type": make_pipeline(by_type(), Ridge()),
    "all columns": make_pipeline(by_name(remainder="passthrough"), RandomForestRegressor(3, random_state=0)),
    "codes": make_pipeline(by_name(OrdinalEncoder()), RandomForestRegressor(3, random_state=0)),
    "targets": make_pipeline(by_name(TargetEncoder(cv=KFold(2))), Ridge()),
    "steps": make_pipeline(
        by_name(
            make_pipeline(SimpleImputer(strategy="most_frequent"), WORDS), make_pipeline(SimpleImputer())
        ),
        Ridge(),
    ),
    "tables between steps": make_pipeline(
        gapless(), by_name(OneHotEncoder(sparse_output=False)), Ridge()
    ).set_output(transform="pandas"),
    "only words": make_pipeline(ColumnTransformer([("w", WORDS, ["kind"])]), Ridge()),
    "a text": make_pipeline(ColumnTransformer([("t", TfidfVectorizer(), "kind")]), Ridge()),
    "hashed": make_pipeline(ColumnTransformer([("t", HashingVectorizer(n_features=16), "kind")]), Ridge()),
    "union": make_pipeline(make_union(by_name(), by_type()), Ridge()),
    "search": GridSearchCV(make_pipeline(by_name(), Ridge()), {"ridge__alpha": [1.0, 2.0]}, cv=2),
    "votes": VotingRegressor(
        [("a", make_pipeline(by_name(), Ridge())), ("b", make_pipeline(by_type(), Ridge()))]
    ),
    "a function": make_pipeline(FunctionTransformer(warmer), by_name(), Ridge()),
    "alone": by_name(sparse_threshold=0),
    "numbers by name": make_pipeline(ColumnTransformer([("n", StandardScaler(), NUMBERS)]), Ridge()),
    "a flag": make_pipeline(ColumnTransformer([("f", OneHotEncoder(), ["new", "hour"])]), Ridge()),
}


def tensors_of(model: Any, table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the tensors that the protocol's decoder makes of a table."""
    dtypes = {"FP64": np.float64, "BYTES": object, "BOOL": np.bool_}
    return {
        spec.name: table[[*spec.columns] or [spec.name]].to_numpy(dtypes[spec.datatype])
        for spec in model.inputs
    }


@pytest.mark.served(
    "scikit-learn", "models fitted on tables: columns by name, words, booleans, missing numbers"
)
@pytest.mark.served("scikit-learn", "`set_output`, column selectors, functions that take a table")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_fitted_on_a_table_answers_as_for_that_table(name: str) -> None:
    estimator = clone(MODELS[name]).fit(TABLE, Y)
    model = SklearnModel.of(estimator)
    method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    (answer,) = model.predict(tensors_of(model, TABLE)).values()
    assert answer.tolist() == np.asarray(method(TABLE)).tolist()
    assert try_out(model) is None


def specs(name: str) -> dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
    model = SklearnModel.of(clone(MODELS[name]).fit(TABLE, Y))
    return {spec.name: (spec.datatype, spec.shape, spec.columns) for spec in model.inputs}


def test_columns_of_words_and_numbers_are_a_tensor_each() -> None:
    number, word, flag = (("FP64", (-1, 1), ()), ("BYTES", (-1, 1), ()), ("BOOL", (-1, 1), ()))
    expected = {"temperature": number, "hour": number, "kind": word}
    assert specs("by name") == specs("steps") == specs("votes") == expected
    assert specs("tables between steps") == {**expected, "new": number}
    assert specs("a text") == specs("only words") == {"kind": word}
    assert specs("a flag") == {"hour": number, "new": flag}


def test_columns_of_numbers_are_one_tensor_without_those_that_no_part_takes() -> None:
    assert specs("numbers by name") == {"x": ("FP64", (-1, 2), ("temperature", "hour"))}


def test_words_of_binary_data_are_the_same_words() -> None:
    model = SklearnModel.of(clone(MODELS["by name"]).fit(TABLE, Y))
    tensors = tensors_of(model, TABLE)
    as_bytes = np.array([[word.encode()] for word in KINDS], dtype=object)
    assert model.predict({**tensors, "kind": as_bytes})["y"].tolist() == model.predict(tensors)["y"].tolist()


def test_probabilities_of_a_table_are_given_on_request() -> None:
    labels = np.where(np.median(Y) < Y, "high", "low")
    estimator = make_pipeline(by_name(), LogisticRegression()).fit(TABLE, labels)
    model = SklearnModel.of(estimator)
    assert isinstance(model, SklearnModel)
    got = model.on_request(tensors_of(model, TABLE), ["probability"])["probability"]
    assert got.tolist() == estimator.predict_proba(TABLE).tolist()


def test_missing_numbers_reach_a_model_that_fills_them() -> None:
    table = TABLE.assign(temperature=TABLE.temperature.where(np.arange(60) % 5 > 0))
    estimator = clone(MODELS["steps"]).fit(table, Y)
    model = SklearnModel.of(estimator)
    assert model.predict(tensors_of(model, table))["y"].tolist() == estimator.predict(table).tolist()


GAP = np.arange(60) % 5 == 0
FIRST_FILLED = make_pipeline(SimpleImputer(strategy="most_frequent"), WORDS)
CODED = OrdinalEncoder(encoded_missing_value=-2, handle_unknown="use_encoded_value", unknown_value=-1)


def without(missing: Any) -> Any:
    words = SimpleImputer(missing_values=missing, strategy="constant", fill_value="none")
    return make_pipeline(words, WORDS)


def gaps_of(missing: Any) -> pd.DataFrame:
    return TABLE.assign(
        kind=pd.Series([missing if gap else kind for gap, kind in zip(GAP, KINDS, strict=True)], dtype=object)
    )


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (FIRST_FILLED, np.nan),
        (without(np.nan), np.nan),
        (without(None), None),
        (without(pd.NA), pd.NA),
        (OneHotEncoder(), np.nan),
        (OneHotEncoder(), None),
        (CODED, np.nan),
        (CODED, None),
    ],
    ids=["filled", "word", "word, None", "word, NA", "column", "column, None", "code", "code, None"],
)
@pytest.mark.served("scikit-learn", "missing words: `null`, as NaN, None or NA of the training")
def test_a_missing_word_is_what_it_was_in_the_training(words: Any, missing: Any) -> None:
    table = gaps_of(missing)
    estimator = make_pipeline(by_name(words), Ridge()).fit(table, Y)
    model = SklearnModel.of(estimator)
    tensors = tensors_of(model, table) | {"kind": gaps_of(None)[["kind"]].to_numpy(object)}
    assert model.predict(tensors)["y"].tolist() == estimator.predict(table).tolist()
    assert not np.allclose(estimator.predict(table), estimator.predict(TABLE))


def test_a_missing_word_of_an_array_is_what_it_was_in_the_training() -> None:
    for missing in (np.nan, None):
        for names in (["kind"], ["kind", "hour"]):
            rows = gaps_of(missing)[names].to_numpy(object)
            estimator = make_pipeline(OneHotEncoder(), Ridge()).fit(rows, Y)
            model = SklearnModel.of(estimator)
            asked = gaps_of(None)[names].to_numpy(object)
            by_column = {f"x{place}": asked[:, [place]] for place in range(len(names))}
            tensors = by_column if len(names) > 1 else {"x": asked}
            assert model.predict(tensors)["y"].tolist() == estimator.predict(rows).tolist()


def test_missing_categories_of_boosted_histograms_are_null() -> None:
    table = TABLE.assign(kind=pd.Categorical(gaps_of(None)["kind"]))
    estimator = HistGradientBoostingRegressor(max_iter=3, categorical_features="from_dtype").fit(table, Y)
    model = SklearnModel.of(estimator)
    tensors = tensors_of(model, TABLE) | {"kind": gaps_of(None)[["kind"]].to_numpy(object)}
    assert model.predict(tensors)["y"].tolist() == estimator.predict(table).tolist()


def test_codes_beside_flags_reach_boosted_histograms_as_objects() -> None:
    """A table's numbers and booleans together are an array of objects, and so are the categories."""
    codes = ColumnTransformer([("w", OrdinalEncoder(), ["kind"])], remainder="passthrough")
    estimator = make_pipeline(codes, HistGradientBoostingRegressor(max_iter=3, categorical_features=[0]))
    estimator.fit(TABLE, Y)
    model = SklearnModel.of(estimator)
    assert model.predict(tensors_of(model, TABLE))["y"].tolist() == estimator.predict(TABLE).tolist()
    assert try_out(model) is None


@pytest.mark.parametrize("values", [[1, 2], [True, False]], ids=["numbers", "flags"])
def test_categories_that_are_numbers_kept_as_objects_are_found(values: list[Any]) -> None:
    table = TABLE.assign(zone=pd.Series([values[place % 2] for place in range(60)], dtype=object))
    estimator = make_pipeline(by_name(remainder=OneHotEncoder()), Ridge()).fit(table, Y)
    model = SklearnModel.of(estimator)
    assert model.predict(tensors_of(model, table))["y"].tolist() == estimator.predict(table).tolist()


def test_columns_that_no_part_takes_can_be_given_too() -> None:
    for name, unused in (("by name", ("new",)), ("numbers by name", ("kind", "new"))):
        model = SklearnModel.of(clone(MODELS[name]).fit(TABLE, Y))
        assert {spec.ignored for spec in model.inputs} == {unused}
    assert {spec.ignored for spec in SklearnModel.of(clone(MODELS["all columns"]).fit(TABLE, Y)).inputs} == {
        ()
    }


@pytest.mark.served("scikit-learn", 'histogram boosting with `categorical_features="from_dtype"`')
def test_categories_are_known_by_the_types_of_the_columns() -> None:
    table = TABLE.assign(kind=pd.Categorical(KINDS))
    for estimator, y in (
        (HistGradientBoostingRegressor(max_iter=3), Y),
        (HistGradientBoostingClassifier(max_iter=3), KINDS),
    ):
        estimator.set_params(categorical_features="from_dtype").fit(table, y)
        model = SklearnModel.of(estimator)
        assert {spec.name: spec.datatype for spec in model.inputs}["kind"] == "BYTES"
        assert model.predict(tensors_of(model, table))["y"].tolist() == estimator.predict(table).tolist()


def test_words_without_names_of_columns_have_those_of_scikit_learn() -> None:
    rows = TABLE[["kind", "hour"]].to_numpy(object)
    chosen = ColumnTransformer([("w", WORDS, [0])], remainder="passthrough")
    estimator = make_pipeline(chosen, Ridge()).fit(rows, Y)
    model = SklearnModel.of(estimator)
    assert [(spec.name, spec.datatype) for spec in model.inputs] == [("x0", "BYTES"), ("x1", "FP64")]
    answer = model.predict({"x0": rows[:, :1], "x1": rows[:, 1:].astype(np.float64)})
    assert answer["y"].tolist() == estimator.predict(rows).tolist()


@pytest.mark.parametrize(
    ("estimator", "rows", "spec"),
    [
        (make_pipeline(TfidfVectorizer(), Ridge()), KINDS, TensorSpec("x", (-1,), "BYTES")),
        (make_pipeline(make_union(TfidfVectorizer()), Ridge()), KINDS, TensorSpec("x", (-1,), "BYTES")),
        (
            OneHotEncoder(sparse_output=False),
            KINDS[:, None],
            TensorSpec("x", (-1, 1), "BYTES", takes_null=True),
        ),
        (LabelEncoder(), KINDS, TensorSpec("x", (-1,), "BYTES")),
        (LabelEncoder(), np.arange(60) % 3, TensorSpec("x", (-1,))),
    ],
)
@pytest.mark.served("scikit-learn", "pipelines of texts, label encoders: one tensor of words")
def test_words_in_one_array_are_one_tensor(estimator: Any, rows: Any, spec: TensorSpec) -> None:
    estimator.fit(rows) if isinstance(estimator, LabelEncoder) else estimator.fit(rows, Y)
    model = SklearnModel.of(estimator)
    assert model.inputs == (spec,)
    method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    (answer,) = model.predict({"x": rows.astype(object if spec.datatype == "BYTES" else float)}).values()
    assert answer.tolist() == method(rows).tolist()
    assert try_out(model) is None


@pytest.mark.not_served(
    "scikit-learn", "columns of times", "the protocol has no datatype for them; make numbers of them before"
)
def test_a_column_of_times_is_refused_by_its_name() -> None:
    table = TABLE.assign(day=pd.date_range("2026-01-01", periods=60))
    with pytest.raises(ModelError, match=r"^takes a column 'day' of datetime64, for which requests have no"):
        SklearnModel.of(OneHotEncoder().fit(table[["day"]]))
