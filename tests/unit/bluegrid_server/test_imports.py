"""The modules that the build of an image imports to prove that nothing is missing."""

from __future__ import annotations

from pathlib import Path

from bluegrid_server import frameworks
from bluegrid_server.frameworks.supported import FRAMEWORKS
from bluegrid_server.imports import modules_of

FOLDER = Path(frameworks.__file__).parent


def in_folders(pattern: str) -> set[str]:
    return {f"bluegrid_server.frameworks.{path.parent.name}.{path.stem}" for path in FOLDER.glob(pattern)}


def test_all_extras_import_every_loader_and_every_compiler() -> None:
    every = {row.extra for row in FRAMEWORKS.values()}
    assert in_folders("*/load*.py") <= {*modules_of(every)}
    assert in_folders("*/compiler.py") <= {*modules_of(every)}
    assert "skl2onnx" not in modules_of(every)
    for_onnx = {f"{frameworks.__name__}.{name}" for name in ("finite", "graph_model", "tree_graph")}
    assert {*for_onnx, "skl2onnx"} <= {*modules_of({*every, "accelerate"})}


def test_one_extra_imports_the_loaders_of_its_frameworks_and_no_others() -> None:
    loaders = {module for module in modules_of(["tensorflow"]) if ".frameworks." in module}
    assert loaders == in_folders("tensorflow/load*.py")
