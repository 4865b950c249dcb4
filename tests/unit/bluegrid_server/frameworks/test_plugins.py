"""Plug-ins: what another package says of its framework, and plug-ins that are not usable."""

from __future__ import annotations

from functools import partial
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import ConfigError, ModelType
from bluegrid_server.frameworks import FrameworkPlugin, supported
from bluegrid_server.frameworks.compiler import compiler_of
from bluegrid_server.frameworks.supported import fallbacks_of, loader_of, outlives_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., ModelType]

MINE = ModelType("mine", "line", "a line", lambda _: None)


def load(path: Any, trust: Any, **options: Any) -> Any:
    """Return the arguments: what a plug-in is called with."""
    return path, trust, options


PLAIN = FrameworkPlugin(load)
SHARED = FrameworkPlugin(load, outlives_fork=True)
ON_GPU = FrameworkPlugin(load, outlives_fork=True, on_gpu=True)
OF_SIGNATURES = FrameworkPlugin(load, has_signatures=True)
WITH_FALLBACK = FrameworkPlugin(load, fallbacks=("flatliner",))
NOTHING = "nothing"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs entry points with these values in this module for a type; returns the type."""

    def installed(*values: str, kind: ModelType = MINE) -> ModelType:
        points = [
            EntryPoint(str(kind), value if ":" in value else f"{__name__}:{value}", supported.ENTRY_POINTS)
            for value in values
        ]
        monkeypatch.setattr(
            supported, "entry_points", lambda group, name=str(kind): points if name == str(kind) else []
        )
        return kind

    return installed


@pytest.mark.parametrize(
    ("value", "gpu", "shared"),
    [
        ("load", False, False),
        ("PLAIN", False, False),
        ("SHARED", False, True),
        ("SHARED", True, True),
        ("ON_GPU", False, True),
        ("ON_GPU", True, False),
    ],
)
def test_models_are_shared_by_workers_if_the_plugin_says_that_they_outlive_a_fork(
    install: Install, value: str, *, gpu: bool, shared: bool
) -> None:
    assert outlives_fork(install(value), gpu=gpu) is shared


@pytest.mark.parametrize(("value", "options"), [("SHARED", {}), ("ON_GPU", {"gpu": True})])
def test_a_plugin_that_computes_on_a_gpu_is_told_of_it(
    install: Install, value: str, options: dict[str, Any]
) -> None:
    loader: Any = loader_of(install(value), ["a"], gpu=True)
    assert isinstance(loader, partial)
    assert loader("path") == ("path", frozenset({"a"}), options)


def test_fallback_models_are_those_that_the_plugin_declares(install: Install) -> None:
    assert fallbacks_of(install("WITH_FALLBACK")) == ("flatliner",)
    assert fallbacks_of(install("PLAIN")) == fallbacks_of(ModelType.parse("onnx/onnx")) == ()


def test_a_set_chooses_a_signature_only_of_models_that_have_some(install: Install) -> None:
    loader: Any = loader_of(install("OF_SIGNATURES"), signature="forecast")
    assert loader("path") == ("path", frozenset(), {"signature": "forecast"})
    for kind in (install("load"), ModelType.parse("onnx/onnx")):
        with pytest.raises(ConfigError, match=rf"^BLUEGRID_SIGNATURE: models of type {kind} have no "):
            loader_of(kind, signature="forecast")


def test_another_file_type_of_a_known_framework_is_the_plugins_alone(install: Install) -> None:
    kind = install("PLAIN", kind=ModelType("onnx", "mine", "a graph", lambda _: None))
    assert not outlives_fork(kind)
    assert loader_of(kind, gpu=True)("path") == ("path", frozenset(), {})  # type: ignore[arg-type, comparison-overlap]
    with pytest.raises(ConfigError, match="nothing compiles"):
        compiler_of(kind)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (["NOTHING"], "NOTHING is neither a FrameworkPlugin nor a function; fix or remove its package"),
        (["no_such_package:load"], "ModuleNotFoundError: .*'no_such_package'; fix or remove its package"),
        (["no_such_name"], "AttributeError: .*no_such_name.*; fix or remove its package"),
        (["PLAIN", "SHARED"], "is in several packages: .*:PLAIN, .*:SHARED; remove all packages but one"),
    ],
)
def test_a_plugin_that_is_not_usable_is_named_with_the_remedy(
    install: Install, values: list[str], fault: str
) -> None:
    kind = install(*values)
    assert not outlives_fork(kind)
    assert fallbacks_of(kind) == ()
    with pytest.raises(
        ConfigError, match=rf"^BLUEGRID_TYPE: the entry point mine/line of bluegrid.loaders.*{fault}$"
    ):
        loader_of(kind)
