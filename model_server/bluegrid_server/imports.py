"""Import every module that a pod may need: `EXTRAS=onnx MODULES= python -m bluegrid_server.imports`.

The build of an image runs this last, so that a missing package fails the build and not a cluster.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from bluegrid_server.frameworks.supported import FRAMEWORKS, module_of

if TYPE_CHECKING:
    from collections.abc import Collection

_ALWAYS = (
    "httptools",
    "uvloop",
    "bluegrid_registry.stores.s3",
    "bluegrid_server.__main__",
    "bluegrid_server.front.server",
    "bluegrid_server.preflight",
    "bluegrid_server.processes.fork_server",
    "bluegrid_server.protocol.openapi",
)
_ACCELERATE = "accelerate"
_FOR_ONNX = ("finite", "graph_model", "tree_graph")
_CONVERTER = "skl2onnx"
"""The compiler of scikit-learn imports it inside a function."""


def modules_of(extras: Collection[str]) -> list[str]:
    """Return the modules that a server with these extras may import."""
    rows = [row for row in FRAMEWORKS.values() if row.extra in extras]
    modules = [*_ALWAYS]
    for row in rows:
        modules += map(module_of, [*row.loaders.values(), *row.readers.values()])
    modules += [module_of(row.compiler) for row in rows if row.compiler is not None]
    if _ACCELERATE in extras:
        modules += [*map(module_of, _FOR_ONNX), _CONVERTER]
    return [*dict.fromkeys(modules)]


if __name__ == "__main__":
    # Those of a plug-in's own; mostly none.
    others = filter(None, os.environ["MODULES"].split(","))
    for module in (*modules_of(os.environ["EXTRAS"].split(",")), *others):
        import_module(module)
