"""The type `openstef/joblib`: a `ForecastingModel`, as `joblib.dump` and OpenSTEF's own storage write it.

A pickle is a program, which names classes and functions. The push and the pod refuse a file that names others
than those of OpenSTEF's own pipelines and of the set's `trust`. Nothing here needs OpenSTEF.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types import compressed, pickle_scan, sniff
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MODELS = frozenset({"openstef_models.models.forecasting_model.ForecastingModel"})
"""The classes of a whole pipeline: preprocessing, forecaster and postprocessing."""
_FORECASTERS = "openstef_models.models.forecasting."
"""Where OpenSTEF's forecasters are; a pipeline has one."""


GETATTR = "builtins.getattr"
"""Every file of OpenSTEF names it. In pods it is a function that knows the attribute `object.__new__`."""


def trusted_table() -> Mapping[str, Sequence[str]]:
    """Return the table of trusted.toml: classes and functions by module."""
    return tomllib.loads(files(__package__).joinpath("trusted.toml").read_text("utf-8"))


def trusted_names() -> frozenset[str]:
    """Return the names that files may use without `trust`: of any pickle, and those of trusted.toml."""
    own = {f"{module}.{name}" for module, names in trusted_table().items() for name in names}
    return PICKLE_GLOBALS | own | {pickle_scan.ENCODE, GETATTR}


def names_in(data: bytes) -> frozenset[str]:
    """Return the classes and functions that a file names; FormatError if no model of OpenSTEF is in it."""
    found = pickle_scan.globals_of(data)
    if found.isdisjoint(_MODELS):
        raise FormatError("names no ForecastingModel of OpenSTEF")
    return found


def forecasters_in(data: bytes) -> tuple[str, ...]:
    """Return the classes of the forecasters, which the models of a set share."""
    return tuple(
        sorted(
            name
            for name in pickle_scan.globals_of(data)
            if name.startswith(_FORECASTERS) and name.endswith("Forecaster")
        )
    )


def _fault(data: bytes) -> str | None:
    if (fault := sniff.pickled(data)) is not None:
        return fault
    # Module and name stand side by side in a pickle of protocol 4 or later, which joblib writes.
    return None if b"ForecastingModel" in data else "names no ForecastingModel of OpenSTEF"


TYPE = ModelType(
    "openstef",
    "joblib",
    "a forecasting model of OpenSTEF",
    _fault,
    runs_code=True,
    plain=compressed.plain,
    names_in=names_in,
    estimators_in=forecasters_in,
    trusted=trusted_names(),
)
"""The row of the table of model types."""
