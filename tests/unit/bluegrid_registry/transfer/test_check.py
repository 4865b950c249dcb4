"""A set holds one type of model, and models with untrusted names are refused."""

from __future__ import annotations

import io
import pickle
import random
import tracemalloc
import warnings
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bluegrid_registry import ConfigError, FormatError, ModelType, RegistryError, Source
from bluegrid_registry.model_types import pickle_scan
from bluegrid_registry.model_types.allowlist import SKOPS_TYPES
from bluegrid_registry.model_types.skops_scan import types_of
from bluegrid_registry.registry_files.registry import parse
from bluegrid_registry.transfer.check import ModelCheck
from tests.support.marker import NAME, mark
from tests.support.models import as_read
from tests.support.samples import X, Y, joblib_bytes, ridge

SKOPS, JOBLIB = ModelType.parse("scikit-learn/skops"), ModelType.parse("scikit-learn/joblib")
TREE = "sklearn.tree._tree.Tree"
RIDGE, NET = "sklearn.linear_model._ridge.Ridge", "sklearn.linear_model._coordinate_descent.ElasticNet"


def refusal(guard: ModelCheck, uid: str, data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        guard.check(as_read(uid, data))
    return str(caught.value)


def zip_of(schema: bytes) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression=ZIP_DEFLATED) as writer:
        writer.writestr("schema.json", schema)
    return buffer.getvalue()


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(n_estimators=2, random_state=0).fit(X, Y)


def test_a_model_of_another_type_is_named_with_what_it_is() -> None:
    guard = ModelCheck(SKOPS, Source.USER)
    guard.check(as_read("line-1", skops.io.dumps(ridge())))
    message = refusal(guard, "line-2", pickle.dumps(ridge()))
    assert message == "model line-2: is a joblib pickle, not a skops file; a set holds one type"


def neighbours(rows: int) -> KNeighborsRegressor:
    """Return an estimator that keeps a tree of its training data, if there are enough rows."""
    random = np.random.default_rng(9).normal(size=(rows, 3))
    return KNeighborsRegressor(5).fit(random, random[:, 0])


def network(solver: str) -> MLPRegressor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLPRegressor(hidden_layer_sizes=(2,), solver=solver, max_iter=2, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "models",
    [
        (neighbours(300), neighbours(7)),
        (ridge(), Ridge().fit(pd.DataFrame(X).add_prefix("column "), Y)),
        (network("adam"), network("lbfgs")),
    ],
    ids=["size of training data", "array and table", "solvers"],
)
def test_models_of_the_same_estimators_need_not_name_the_same(models: tuple[Any, Any]) -> None:
    written = [joblib_bytes(model) for model in models]
    names = [pickle_scan.globals_of(data) for data in written]
    assert names[0] != names[1]
    for order in (written, written[::-1]):
        guard = ModelCheck(JOBLIB, Source.PLATFORM, names[0] | names[1])
        for number, data in enumerate(order):
            guard.check(as_read(f"line-{number}", data))
        assert guard.globals == tuple(sorted(names[0] | names[1]))


def test_what_models_name_is_added_to_what_those_of_the_base_version_name() -> None:
    first = ModelCheck(JOBLIB, Source.PLATFORM)
    first.check(as_read("line-1", joblib_bytes(ridge())))
    assert first.globals is not None
    assert RIDGE in first.globals
    second = ModelCheck(JOBLIB, Source.PLATFORM, base_globals=first.globals)
    second.check(as_read("line-1", joblib_bytes(ElasticNet().fit(X, Y))))
    assert second.globals is not None
    assert {RIDGE, NET} <= set(second.globals)


def test_names_that_are_known_are_not_read_again_and_are_checked() -> None:
    model = ModelCheck(JOBLIB, Source.PLATFORM).check(as_read("line-1", joblib_bytes(ridge())))
    assert model.names is not None
    assert RIDGE in model.names
    guard = ModelCheck(JOBLIB, Source.PLATFORM, is_mixed=True)
    guard.check(model._replace(data=b"not read"))
    assert guard.globals == tuple(sorted(model.names))
    with pytest.raises(FormatError, match=f"names what is not trusted: {NAME};"):
        guard.check(model._replace(names=frozenset({NAME})))


@pytest.mark.parametrize("written", ["scikit-learn/joblib", "scikit-learn/pickle", "keras/h5", "spark/spark"])
@pytest.mark.parametrize("source", [Source.USER, None])
def test_only_a_platform_set_holds_what_can_run_code(written: str, source: Source | None) -> None:
    with pytest.raises(
        ConfigError, match=f"^{written} can run its author's code; only a set of `source: platform`"
    ):
        ModelCheck(ModelType.parse(written), source)
    ModelCheck(ModelType.parse(written), Source.PLATFORM)


def test_a_users_set_of_such_a_type_is_a_mistake_in_its_file() -> None:
    text = "set:\n  {id: g1, name: n, task: t, type: scikit-learn/pickle, source: user}\nversions: []\n"
    with pytest.raises(RegistryError) as caught:
        parse({Path("g1.yaml"): text})
    assert str(caught.value) == (
        "g1.yaml:2: set.source: user, but scikit-learn/pickle can run its author's code; "
        "only platform sets hold it"
    )
    (file,) = parse({Path("g1.yaml"): text.replace("user", "platform, trust: [builtins.complex]")}).files
    assert file.set.trust == ("builtins.complex",)


def test_a_pickle_that_names_a_stranger_is_refused_also_as_the_first_one() -> None:
    model = make_pipeline(FunctionTransformer(mark), Ridge())
    message = refusal(ModelCheck(JOBLIB, Source.PLATFORM), "line-1", joblib_bytes(model))
    assert message.startswith(
        "model line-1: names what is not trusted: tests.support.marker.mark; build it without, or add"
    )


def test_a_global_that_the_set_trusts_is_allowed() -> None:
    data = joblib_bytes(make_pipeline(FunctionTransformer(mark), Ridge()))
    assert f"names what is not trusted: {NAME};" in refusal(
        ModelCheck(JOBLIB, Source.PLATFORM), "line-1", data
    )
    ModelCheck(JOBLIB, Source.PLATFORM, [NAME]).check(as_read("line-1", data))


def test_a_type_that_skops_does_not_trust_is_refused_unless_the_set_trusts_it() -> None:
    data = skops.io.dumps(forest())
    message = refusal(ModelCheck(SKOPS, Source.USER), "line-1", data)
    assert message.startswith(
        f"model line-1: names what is not trusted: {TREE}; build it without, or add that"
    )
    guard = ModelCheck(SKOPS, Source.USER, [TREE])
    guard.check(as_read("line-1", data))
    assert guard.globals is None


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(FunctionTransformer(mark), Ridge()),
        make_pipeline(FunctionTransformer("a\\b".join), Ridge()),
    ],
    ids=["harmless", "function", "method of text"],
)
def test_what_is_not_trusted_is_what_skops_does_not_trust(model: Any) -> None:
    data = skops.io.dumps(model)
    assert types_of(data) - SKOPS_TYPES == set(skops.io.get_untrusted_types(data=data))


def test_a_method_is_named_with_its_class() -> None:
    data = skops.io.dumps(make_pipeline(FunctionTransformer(ridge().predict), ElasticNet()))
    assert types_of(data) - SKOPS_TYPES == {f"{RIDGE}.predict"}
    assert f"{RIDGE}.predict" in skops.io.get_untrusted_types(data=data)


@pytest.mark.parametrize(
    "schema",
    [
        rb'{"\u005f_class__": "mark", "__module__": "tests.support.marker"}',
        '{"__class__": "mark", "__module__": "tests.support.marker"}'.encode("utf-16"),
        b'{"__class__":"mark", "__module__":"tests.support.marker", "x": {"__class__": "dict"}}',
        b'{"__module__": "tests.support.marker", "__class__": "mark"}',
    ],
    ids=["escaped", "UTF-16", "other spaces", "other order"],
)
def test_a_type_cannot_be_hidden_by_how_it_is_written(schema: bytes) -> None:
    assert NAME in types_of(zip_of(schema))


@pytest.mark.parametrize("schema", [b"", b"{", b"[" * 100_000, b'{"__loader__": "MethodNode", "content": 1}'])
def test_a_damaged_schema_is_told(schema: bytes) -> None:
    assert refusal(ModelCheck(SKOPS), "line-1", zip_of(schema)).startswith(
        "model line-1: has a damaged schema.json"
    )


def test_a_zip_of_any_bytes_is_read_or_told() -> None:
    sound = skops.io.dumps(ridge())
    guard = ModelCheck(SKOPS)
    damages = random.Random(7)
    told_of = []
    for _ in range(2000):
        data = bytearray(sound)
        # Readers of zip files rely on the end of the file.
        for _ in range(damages.randint(1, 8)):
            data[-damages.randint(1, 400)] = damages.randrange(256)
        try:
            guard.check(as_read("line-1", bytes(data[damages.choice((0, 0, 1)) :])))
        except FormatError as error:
            told_of.append(str(error))
    assert len(told_of) > 1000
    assert all(line.isprintable() for line in told_of)


def test_a_schema_that_grows_beyond_what_it_claims_is_not_unpacked() -> None:
    size = 64 * 2**20
    bomb = zip_of(b" " * size).replace(size.to_bytes(4, "little"), (99).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        assert "damaged" in refusal(ModelCheck(SKOPS), "line-1", bomb)
        assert tracemalloc.get_traced_memory()[1] < size / 8
    finally:
        tracemalloc.stop()
