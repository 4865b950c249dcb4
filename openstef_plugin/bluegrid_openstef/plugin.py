"""What the server knows of OpenSTEF, and how it loads a model.

The server imports this module before it forks, and OpenSTEF only in `load`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_openstef.model_file import load_model
from bluegrid_server.frameworks import FrameworkPlugin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks import Model


def load(path: Path, trust: Iterable[str] = ()) -> Model:
    """Load a fitted model; for the arguments and errors see `load_model`."""
    model = load_model(path, trust)
    from bluegrid_openstef.forecasting import TargetModel
    from bluegrid_openstef.training_holidays import keep_holidays_of_training

    keep_holidays_of_training(model)
    return TargetModel(model)


PLUGIN = FrameworkPlugin(load, outlives_fork=True)
"""Boosters compute in one thread, as the server sets it, and pandas has none: forked processes answer too."""
