"""How the server loads a file of `openstef/json`: with pvlib and, for trees, XGBoost, without OpenSTEF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_openstef.arrow import make_arrow_forkable
from bluegrid_registry import ModelError
from bluegrid_server.frameworks import FrameworkPlugin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks import Model


def load(path: Path, trust: Iterable[str] = ()) -> Model:  # noqa: ARG001 - the file cannot run code
    """Load a pipeline.

    Args:
        path: the file.
        trust: not used: the file names no classes.

    Raises:
        ModelError: the file is no pipeline, or a package that it needs is not installed.
    """
    # XGBoost imports pandas where it is installed.
    make_arrow_forkable()
    from bluegrid_openstef.pipeline.document import PipelineDocument
    from bluegrid_openstef.pipeline.model import PipelineModel

    try:
        return PipelineModel(PipelineDocument.parse(path.read_bytes()))
    except ImportError as error:
        raise ModelError(f"needs a package: {error}; pip install 'bluegrid-openstef[json]'") from None


PLUGIN = FrameworkPlugin(load, outlives_fork=True)
"""Neither NumPy, in one thread, nor XGBoost with one thread start any."""
