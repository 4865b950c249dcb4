"""Loads the file of a model: OpenSTEF's pickle, of which only trusted names are looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_openstef import file_type
from bluegrid_openstef.arrow import make_arrow_forkable
from bluegrid_registry import FormatError, ModelError
from bluegrid_registry.model_types import pickle_scan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from openstef_models.models.forecasting_model import ForecastingModel


def load_model(data_or_path: bytes | Path, trust: Iterable[str]) -> ForecastingModel:
    """Return the fitted model in a file.

    Args:
        data_or_path: the file, or its bytes.
        trust: the names that it may use: those of trusted.toml, and the set's `trust`.

    Raises:
        ModelError: the file names others, cannot be read with the installed packages, or has no fitted model.
    """
    make_arrow_forkable()
    try:
        from openstef_models.models.forecasting_model import ForecastingModel
    except ImportError as error:
        raise ModelError(without_openstef(error)) from None
    try:
        model = pickle_scan.load(data_or_path, frozenset(trust), {file_type.GETATTR: _new_of_object})
    except FormatError as error:
        raise ModelError(str(error)) from None
    # Classes in the pickle may raise any exception, mostly for the state of another version.
    except Exception as error:
        raise ModelError(
            f"cannot be loaded here: {type(error).__name__}: {error}; train it with the installed OpenSTEF"
        ) from error
    if not isinstance(model, ForecastingModel):
        raise ModelError(f"is a pickled {type(model).__name__}, not a forecasting model of OpenSTEF")
    if not model.is_fitted:
        raise ModelError("is not fitted; fit it before it is saved")
    return model


def without_openstef(error: ImportError) -> str:
    """Return what is wrong, and what to do, where OpenSTEF cannot be imported."""
    return f"needs OpenSTEF: {error}; pip install 'bluegrid-openstef[serve]', on Python 3.12 or later"


def _new_of_object(owner: Any, name: str) -> Any:
    """Return `object.__new__`, the one attribute that the pickle of a `TransformPipeline` looks up."""
    if owner is not object or name != "__new__":
        raise FormatError(
            f"looks up the attribute {name!a}; OpenSTEF's own files look up object.__new__ alone"
        )
    return object.__new__
