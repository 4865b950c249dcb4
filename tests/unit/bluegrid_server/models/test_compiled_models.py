"""A version of a set with `accelerate: onnx`, from its files to the view of clients and operators."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import ConfigError
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.version import fetch_version
from tests.support.compiled_models import HOW, MODELS, PROCESS, X

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.settings import Settings


@pytest.mark.parametrize("accelerate", [None, "onnx"])
@pytest.mark.parametrize("budget", [None, 1])
def test_the_log_counts_what_is_compiled_and_gives_the_commonest_reason(
    pushed: Callable[..., Settings],
    budget: int | None,
    accelerate: str | None,
) -> None:
    settings, lines = pushed(accelerate=accelerate), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget)
    pool.load_all(lines.append)
    message = (
        "of 5 models 3 are computed without their framework (1 linear, 2 of trees), 0 by ONNX Runtime, "
        f"2 by themselves: {PROCESS} (2 of them)"
    )
    assert lines[-1] == f"set g1 version v1: {message}"
    assert {uid: pool[uid].acceleration for uid in pool} == HOW


def test_a_model_is_compiled_on_its_first_request_where_the_cluster_is_lazy(
    pushed: Callable[..., Settings],
) -> None:
    settings = pushed(load="lazy")
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget=1)
    for uid in ("forest-1", "forest-2", "forest-1"):
        model = pool[uid].model
        assert isinstance(model, TreeModel)
        assert model.predict({"x": X})["y"].tolist() == MODELS[uid].predict(X).tolist()
        assert pool.loaded == 1


def test_a_set_that_refuses_it_has_none(pushed: Callable[..., Settings]) -> None:
    settings, lines = pushed(accelerate="none"), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings)
    pool.load_all(lines.append)
    assert not any("ONNX" in line for line in lines)
    assert not any(isinstance(pool[uid].model, TreeModel) for uid in pool)
    assert {pool[uid].acceleration for uid in pool} == {None}


def test_an_image_that_cannot_compile_says_which_can_before_anything_is_fetched(
    pushed: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pushed()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ConfigError, match=r"^BLUEGRID_ACCELERATE: this image compiles no scikit-learn models.*"
    ):
        fetch_version(settings, lambda _: None)
    assert not settings.models.exists()


def test_an_image_without_onnx_runtime_serves_what_does_not_ask_for_it(
    pushed: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pushed(accelerate=None)
    for package in ("onnx", "onnxruntime", "skl2onnx"):
        monkeypatch.setitem(sys.modules, package, None)
    pool = FilePool(fetch_version(settings, lambda _: None), settings)
    pool.load_all(lambda _: None)
    assert {uid: pool[uid].acceleration for uid in pool} == HOW
