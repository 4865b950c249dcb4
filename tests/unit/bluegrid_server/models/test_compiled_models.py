"""A version of a set with `accelerate: onnx`, from its files to the view of clients and operators."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import ConfigError
from bluegrid_server.frameworks.compiler import AcceleratedModel
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.version import fetch_version
from tests.support.compiled_models import HOW, MODELS, PROCESS, X

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.settings import Settings


@pytest.mark.parametrize("budget", [None, 1])
def test_the_log_counts_what_is_compiled_and_gives_the_commonest_reason(
    pushed: Callable[..., Settings],
    budget: int | None,
) -> None:
    settings, lines = pushed(), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget)
    pool.load_all(lines.append)
    message = f"2 of 5 models run by ONNX Runtime, 3 by themselves: {PROCESS} (2 of them)"
    assert lines[-1] == f"set g1 version v1: {message}"
    assert {uid: pool[uid].acceleration for uid in pool} == HOW


def test_a_model_is_compiled_on_its_first_request_where_the_cluster_is_lazy(
    pushed: Callable[..., Settings],
) -> None:
    settings = pushed(load="lazy")
    pool = FilePool(fetch_version(settings, lambda _: None), settings, budget=1)
    for uid in ("forest-1", "forest-2", "forest-1"):
        model = pool[uid].model
        assert isinstance(model, AcceleratedModel)
        assert model.predict({"x": X})["y"].tolist() == MODELS[uid].predict(X).tolist()
        assert pool.loaded == 1


def test_a_set_that_does_not_ask_for_it_has_none(pushed: Callable[..., Settings]) -> None:
    settings, lines = pushed(accelerate=None), list[str]()
    pool = FilePool(fetch_version(settings, lambda _: None), settings)
    pool.load_all(lines.append)
    assert not any("ONNX" in line for line in lines)
    assert not any(isinstance(pool[uid].model, AcceleratedModel) for uid in pool)
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
