"""The models of a version are of the same estimators, unless the set says that its kinds are mixed."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_registry import FormatError, ModelType, Source, SourceModel, push, read_manifest
from bluegrid_registry.transfer.check import ModelCheck
from tests.support.models import as_read
from tests.support.samples import SAMPLES, X, Y, joblib_bytes, ridge
from tests.unit.bluegrid_registry.pushes import version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid_registry import PushReport, Store

WRITERS: Mapping[str, Callable[[Any], bytes]] = {
    "scikit-learn/joblib": joblib_bytes,
    "scikit-learn/pickle": pickle.dumps,
    "scikit-learn/skops": skops.io.dumps,
}
FOREST = RandomForestRegressor(2).fit(X, Y)
LASSO = Lasso().fit(X, Y)
PIPELINE = make_pipeline(StandardScaler(), Ridge()).fit(X, Y)
REMEDY = "put other estimators into a set of their own, or let this one hold them (`kinds: mixed`)"


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pushed(store: Store, written: str, models: Mapping[str, Any], **options: Any) -> PushReport:
    given = [SourceModel(uid, WRITERS[written](model)) for uid, model in models.items()]
    options = {"version_id": "v1", "source": Source.PLATFORM} | options
    return push(store, "g1", models=given, model_type=ModelType.parse(written), **options)


def refused(store: Store, written: str, models: Mapping[str, Any], **options: Any) -> str:
    with pytest.raises(FormatError) as caught:
        pushed(store, written, models, **options)
    assert caught.value.names == {"set": "g1"}
    return str(caught.value).removesuffix(f"; {REMEDY}")


def test_the_odd_one_is_named_wherever_it_stands(store: Store, written: str) -> None:
    siblings = {f"line-{number}": ridge(number + 1) for number in range(9)}
    for uid in ("a", "line-3", "z"):
        assert refused(store, written, siblings | {uid: FOREST}) == (
            f"not of the same estimators: {uid} of RandomForestRegressor, the others "
            f"(line-0 and {7 if uid == 'line-3' else 8} more) of Ridge"
        )
    assert [*store.keys("versions/")] == []


def test_every_other_kind_is_named(store: Store, written: str) -> None:
    models = {"a": FOREST, "b": LASSO, "c": LASSO, "d": PIPELINE, "e": PIPELINE, "f": PIPELINE}
    assert refused(store, written, models) == (
        "not of the same estimators: a of RandomForestRegressor, b and 1 more of Lasso, "
        "the others (d and 2 more) of Pipeline (StandardScaler, Ridge)"
    )


def test_a_set_of_mixed_kinds_holds_any_model_of_its_type(store: Store, written: str) -> None:
    assert pushed(store, written, {"a": FOREST, "b": LASSO, "c": ridge()}, is_mixed=True).models == 3


def test_models_that_only_fitting_made_different_are_of_one_kind(store: Store, written: str) -> None:
    models = {"a": ridge(), "b": Ridge(solver="svd").fit(pd.DataFrame(X, columns=list("abc")), Y)}
    assert pushed(store, written, models).models == 2


def test_a_model_of_another_kind_than_those_of_the_base_is_refused(store: Store, written: str) -> None:
    base = version(pushed(store, written, {"line-1": ridge(), "line-2": ridge(2.0)}))
    update = {"version_id": "v2", "base": base}
    assert refused(store, written, {"line-2": LASSO}, **update) == (
        "not of the same estimators: line-2 of Lasso, the models of version v1 (line-1, …) of Ridge"
    )
    assert pushed(store, written, {"line-2": ridge(3.0)}, **update).models == 2
    mixed = pushed(store, written, {"line-2": LASSO}, is_mixed=True, **update | {"version_id": "v3"})
    assert mixed.models == 2


def test_a_version_whose_models_are_all_replaced_may_be_of_another_kind(store: Store, written: str) -> None:
    base = version(pushed(store, written, {"line-1": ridge(), "line-2": ridge(2.0)}))
    update = {"version_id": "v2", "base": base}
    assert pushed(store, written, {"line-1": LASSO, "line-2": LASSO}, **update).models == 2
    without = pushed(store, written, {"line-3": LASSO}, without=["*"], **update | {"version_id": "v3"})
    rows = read_manifest(store, "g1", "v3", without.manifest).models
    assert [row.uid for row in rows] == ["line-3"]


def test_an_update_reads_one_model_of_its_base_which_must_be_whole(store: Store, written: str) -> None:
    base = version(pushed(store, written, {"line-1": ridge(), "line-2": ridge(2.0)}))
    assert pushed(store, written, {}, version_id="v2", base=base).models == 2


def test_estimators_of_one_name_are_told_apart_by_their_packages(written: str) -> None:
    own = type("Ridge", (Ridge,), {"__module__": "tests.support.samples"})
    check = ModelCheck(ModelType.parse("scikit-learn/joblib"), Source.PLATFORM, set_id="g1")
    check.kinds.add("line-1", joblib_bytes(ridge()), frozenset({"a"}))
    check.kinds.add("line-2", _of_class(own), frozenset({"b"}))
    with pytest.raises(
        FormatError, match=r"line-1 of sklearn\.\S+\.Ridge, the others \(line-2\) of tests\.\S+"
    ):
        check.kinds.refuse()


def _of_class(own: type) -> bytes:
    data = pickle.dumps(ridge(), protocol=2)
    return data.replace(b"sklearn.linear_model._ridge\nRidge", f"{own.__module__}\n{own.__name__}".encode())


def test_a_type_of_a_package_may_say_what_its_models_are_composed_of() -> None:
    own = ModelType("own", "txt", "an own model", lambda _: None, estimators_in=lambda data: (data.decode(),))
    check = ModelCheck(own, Source.USER, set_id="g1")
    for uid, kind in {"a": b"own.Line", "b": b"own.Line", "c": b"own.Curve"}.items():
        check.kinds.add(uid, kind, None)
    with pytest.raises(FormatError, match=r"c of Curve, the others \(a and 1 more\) of Line"):
        check.kinds.refuse()
    with pytest.raises(FormatError, match=r"c of Curve, the others \(a and 1 more\) of Line"):
        list(
            ModelCheck(own, Source.USER).checked(
                [as_read("a", b"Line"), as_read("b", b"Line"), as_read("c", b"Curve")]
            )
        )


@pytest.mark.parametrize("other", sorted(SAMPLES.keys() - WRITERS.keys()))
def test_models_of_other_types_are_not_compared(other: str) -> None:
    check = ModelCheck(ModelType.parse(other), Source.PLATFORM)
    for uid in ("a", "b"):
        check.check(as_read(uid, SAMPLES[other]()))
    assert not check.kinds.are_compared
