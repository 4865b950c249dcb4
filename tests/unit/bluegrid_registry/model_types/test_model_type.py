"""The table of frameworks and file types, and rows that other packages add."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest
from skops.io import _trusted_types as of_skops

from bluegrid_registry import ConfigError, ModelType, Source
from bluegrid_registry.model_types import model_type
from bluegrid_registry.model_types.allowlist import ESTIMATORS, PICKLE_GLOBALS, SKOPS_TYPES, trusted_names
from bluegrid_registry.model_types.model_type import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWN = ModelType("pmml", "pmml", "a PMML model", lambda data: None if b"<PMML" in data else "has no <PMML")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes entry points look installed."""

    def installed(*values: str) -> None:
        points = [EntryPoint("own", value, model_type.ENTRY_POINTS) for value in values]
        monkeypatch.setattr(model_type, "entry_points", lambda group: points)
        model_type.model_types.cache_clear()

    yield installed
    model_type.model_types.cache_clear()


def test_types_that_can_run_code_are_told_from_those_that_cannot() -> None:
    assert {str(row) for row in BUILT_IN.values() if not row.runs_code} == {
        "scikit-learn/skops",
        "onnx/onnx",
        "xgboost/ubj",
        "xgboost/json",
        "lightgbm/txt",
        "catboost/cbm",
        "safetensors/safetensors",
    }
    assert ModelType.parse("scikit-learn/joblib").runs_code


def test_folders_are_models_too() -> None:
    folders = {str(row) for row in BUILT_IN.values() if row.is_folder}
    assert folders == {"tensorflow/savedmodel", "spark/spark"}
    assert ModelType.parse("spark/spark").is_folder
    assert not ModelType.parse("scikit-learn/skops").is_folder


def test_an_unknown_type_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'pytorch/pt' is not a known model type; known: .*onnx/onnx"):
        ModelType.parse("pytorch/pt")


def test_a_package_adds_a_row(install: Callable[[str], None]) -> None:
    install(f"{__name__}:OWN")
    assert ModelType.parse("pmml/pmml") is OWN


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("absent_package:ROW", "No module named 'absent_package'; fix or remove its package"),
        ("os:sep", "os:sep is not a ModelType"),
        ("bluegrid_registry.model_types.model_type:BUILT_IN", "is not a ModelType"),
    ],
)
def test_an_entry_point_that_is_no_row_is_told(
    value: str, message: str, install: Callable[[str], None]
) -> None:
    install(value)
    with pytest.raises(ConfigError, match=f"^entry point own of bluegrid.file_types: .*{message}"):
        ModelType.parse("onnx/onnx")


def test_a_row_that_is_there_already_is_never_replaced(
    install: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "OWN", BUILT_IN["onnx/onnx"])
    install(f"{__name__}:OWN")
    with pytest.raises(ConfigError, match="there is a type onnx/onnx already; choose another name"):
        ModelType.parse("onnx/onnx")


def test_the_lists_of_harmless_names_are_those_of_the_installed_libraries() -> None:
    assert set(of_skops.SKLEARN_ESTIMATOR_TYPE_NAMES) == ESTIMATORS
    for names in (
        of_skops.PRIMITIVE_TYPE_NAMES,
        of_skops.CONTAINER_TYPE_NAMES,
        of_skops.SKLEARN_INTERNAL_TYPE_NAMES,
        of_skops.NUMPY_DTYPE_TYPE_NAMES,
        of_skops.NUMPY_UFUNC_TYPE_NAMES,
    ):
        assert set(names) <= SKOPS_TYPES


def test_nothing_harmless_looks_up_or_executes_what_it_is_given() -> None:
    callers = ("getattr", "eval", "exec", "methodcaller", "attrgetter", "encode", "_reconstructor")
    assert not [name for name in PICKLE_GLOBALS | SKOPS_TYPES if name.rpartition(".")[2] in callers]


def test_data_that_can_crash_a_pod_is_trusted_in_sets_of_the_platform_alone() -> None:
    tree, skops_type = "sklearn.tree._tree.Tree", ModelType.parse("scikit-learn/skops")
    assert tree in trusted_names(skops_type, Source.PLATFORM)
    assert tree not in trusted_names(skops_type, Source.USER)
    assert tree not in trusted_names(skops_type, None)
    assert tree in trusted_names(skops_type, Source.USER, [tree])


def test_every_harmless_name_is_there() -> None:
    for name in PICKLE_GLOBALS | SKOPS_TYPES:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
