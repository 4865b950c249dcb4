"""What models name and their set does not trust is refused at once, with the command that trusts it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from bluegrid_registry import FormatError, ModelType, Source, SourceModel, UntrustedNames, push
from bluegrid_registry.model_types.never_offered import why_not_offered
from bluegrid_registry.transfer.untrusted import Untrusted
from tests.support.marker import NAME, mark
from tests.support.samples import ridge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry import Store

TYPE = ModelType.parse("scikit-learn/pickle")


def models(count: int) -> Iterator[SourceModel]:
    """Yield models of which each third names the marker, and one more an own estimator."""
    for number in range(count):
        model = make_pipeline(FunctionTransformer(mark if number % 3 == 2 else None), ridge())
        yield SourceModel(f"line-{number}", pickle.dumps(model))
    own = pickle.dumps(ridge(), protocol=2).replace(b"sklearn.linear_model._ridge", b"own_package")
    yield SourceModel("own", own)


def test_the_names_of_all_models_are_refused_at_once(store: Store) -> None:
    with pytest.raises(UntrustedNames) as caught:
        push(store, "g1", "v1", models(9), model_type=TYPE, source=Source.PLATFORM)
    error = caught.value
    assert error.models == {"own_package.Ridge": ("own",), NAME: ("line-2", "line-5", "line-8")}
    assert error.fault == f"models line-2 and 3 more: name what is not trusted: own_package.Ridge, {NAME}"
    assert error.names == {"set": "g1", "options": f"--trust own_package.Ridge --trust {NAME}"}
    assert [*store.keys("versions/")] == []


def test_the_same_models_are_pushed_once_the_set_trusts_their_names(store: Store) -> None:
    given = list(models(9))[:-1]
    report = push(store, "g1", "v1", given, model_type=TYPE, source=Source.PLATFORM, trust=[NAME])
    assert report.models == 9


def refusal(*names: str) -> FormatError:
    found = Untrusted("g1")
    found.add("line-1", names)
    with pytest.raises(FormatError) as caught:
        found.refuse()
    return caught.value


def test_a_name_with_signs_is_quoted_for_the_command() -> None:
    assert refusal("own.a b", "own.$x").names["options"] == "--trust 'own.$x' --trust 'own.a b'"


def test_nothing_untrusted_is_refused_without_names() -> None:
    found = Untrusted("g1")
    found.refuse()
    assert not found


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "os.getcwd",
            "that can run programs or code of the machine, or use its files: build the model without",
        ),
        ("__main__.scaled", "only the program that trained the model has that: define it in a package"),
        (
            "cloudpickle.cloudpickle._make_function",
            "that stands for code within the model: define the function in",
        ),
        (
            "scipy.stats._distn_infrastructure.rv_continuous_frozen",
            "that executes text of the model: of a search over distributions, push the best_estimator_",
        ),
        (
            "dill._dill._load_type",
            "joblib writes that where dill was imported before it: import joblib first",
        ),
    ],
)
def test_a_name_that_runs_code_is_refused_with_the_reason_and_never_offered(name: str, reason: str) -> None:
    error = refusal(name, "own_package.Scaler")
    assert not isinstance(error, UntrustedNames)
    assert str(error).startswith(f"model line-1: names what is not trusted: {name}; {reason}")
    assert error.remedy is None


@pytest.mark.parametrize(
    "name",
    [
        *("builtins.eval", "builtins.getattr", "builtins.open", "codecs.open", "collections.namedtuple"),
        *("ctypes.CDLL", "importlib.import_module", "operator.attrgetter", "pickle.loads", "posix.getpid"),
        *("shutil.copy", "subprocess.run", "sys.exit", "types.FunctionType", "joblib.load", "numpy.load"),
        *("numpy.testing.assert_equal", "pandas.eval", "pandas.io.pickle.read_pickle", "torch.load"),
    ],
)
def test_what_reaches_the_machine_is_never_offered(name: str) -> None:
    assert why_not_offered(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        *("own_package.Scaler", "builtins.len", "collections.deque", "datetime.timedelta", "math.log"),
        *("catboost.core.CatBoostRegressor", "pandas.core.indexes.base.Index", "numpy.cumsum", NAME),
        *("osprey.Model", "numpy.loads_of_lines", "skopsical.Model", "sklearn.tree._tree.Tree"),
    ],
)
def test_what_holds_data_or_computes_can_be_offered(name: str) -> None:
    assert why_not_offered(name) is None
