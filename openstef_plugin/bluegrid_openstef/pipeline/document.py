"""A fitted pipeline, as a file of `openstef/json` has it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bluegrid_openstef.json_file import FORMAT
from bluegrid_openstef.pipeline.calendar import Cycles, Holidays, Weekdays
from bluegrid_openstef.pipeline.checks import Completeness, Flatline
from bluegrid_openstef.pipeline.forecasters import LinearForecaster, TreeForecaster
from bluegrid_openstef.pipeline.lags import Lags
from bluegrid_openstef.pipeline.numbers import Bounds, CompleteRows, Imputation, Removal, Scaling
from bluegrid_openstef.pipeline.step import PipelinePart, Seconds
from bluegrid_openstef.pipeline.sun import Daylight, Radiation
from bluegrid_openstef.pipeline.weather import Atmosphere, WindPower
from bluegrid_registry import ModelError
from bluegrid_registry.frozen import first_mistake

AnyStep = Annotated[
    Completeness
    | Flatline
    | Lags
    | WindPower
    | Atmosphere
    | Radiation
    | Cycles
    | Daylight
    | Holidays
    | Weekdays
    | Bounds
    | Scaling
    | Removal
    | Imputation
    | CompleteRows,
    Field(discriminator="step"),
]
"""The steps that a file may have."""
AnyForecaster = Annotated[LinearForecaster | TreeForecaster, Field(discriminator="kind")]
"""The forecasters that a file may have."""


class PipelineDocument(PipelinePart):
    """Steps, forecaster and quantiles of a pipeline."""

    format: Literal["bluegrid-openstef/1"] = FORMAT
    """First, so that a file is known by its beginning."""
    columns: tuple[str, ...]
    """The columns of a series, in the order of the training."""
    preprocessing: tuple[AnyStep, ...]
    forecaster: AnyForecaster
    quantiles: Annotated[dict[str, float], Field(min_length=1)]
    """The level of each output of the forecaster, such as `quantile_P10`, in its order."""
    is_sorted: bool
    """Whether the quantiles of each step are put in ascending order."""
    cutoff: Seconds
    """Seconds at the beginning of a series that are not forecast, where no start is given."""

    @classmethod
    def parse(cls, data: bytes) -> PipelineDocument:
        """Read a file; ModelError, with the first mistake, if it has none."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise ModelError(f"is no pipeline of {FORMAT}: {first_mistake(error)}") from None

    def to_bytes(self) -> bytes:
        """Return the file."""
        return self.model_dump_json().encode()
