"""Columns that follow from the weather of the same row.

Formulas are written as OpenSTEF evaluates them: another order of the same operations rounds differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from bluegrid_openstef.pipeline.step import Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bluegrid_openstef.pipeline.table import SeriesTable

_SHEAR = 0.143
"""The exponent of the wind profile power law over open land."""


class WindPower(Step):
    """Adds the wind speed at a turbine's hub, and the power at that speed."""

    step: Literal["WindPowerFeatureAdder"] = "WindPowerFeatureAdder"
    speed: str
    """The column with the wind speed at the reference height."""
    reference_height: float = Field(gt=0)
    """Metres."""
    hub_speed: str
    """The column with the wind speed at the hub; added where it is absent."""
    hub_height: float = Field(ge=0)
    """Metres."""
    rated_power: float
    steepness: float
    slope_center: float
    power: str
    """The column with the power."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The wind speed at the reference height, without which OpenSTEF leaves out the step."""
        return (self.speed,)

    @property
    def makes(self) -> tuple[str, ...]:
        """Names of the columns, in OpenSTEF's order."""
        return (self.hub_speed, self.power)

    def transform(self, table: SeriesTable) -> None:
        """Add the columns."""
        if self.hub_speed not in table.columns:
            factor = (self.hub_height / self.reference_height) ** _SHEAR
            table.columns[self.hub_speed] = table.columns[self.speed] * factor
        speed = table.columns[self.hub_speed]
        table.columns[self.power] = self.rated_power / (
            1 + np.exp(-self.steepness * (speed - self.slope_center))
        )


class Atmosphere(Step):
    """Adds what follows from temperature (°C), relative humidity (%) and pressure (hPa)."""

    step: Literal["AtmosphereDerivedFeaturesAdder"] = "AtmosphereDerivedFeaturesAdder"
    temperature: str
    humidity: str
    pressure: str
    features: tuple[Literal["saturation_vapour_pressure", "vapour_pressure", "dewpoint", "air_density"], ...]
    """Those that the columns of the series allow, in OpenSTEF's order."""

    @property
    def needs(self) -> list[str]:
        """The temperature, and what the features need beside it."""
        needs = [self.temperature]
        if {*self.features} - {"saturation_vapour_pressure"}:
            needs.append(self.humidity)
        if "air_density" in self.features:
            needs.append(self.pressure)
        return needs

    @property
    def makes(self) -> tuple[str, ...]:
        """Names of the columns, in OpenSTEF's order."""
        return self.features

    def transform(self, table: SeriesTable) -> None:
        """Add a column for each feature."""
        temperature = table.columns[self.temperature]
        saturated = _saturation_vapour_pressure(temperature)
        for name in self.features:
            if name == "saturation_vapour_pressure":
                table.columns[name] = saturated
                continue
            humidity = table.columns[self.humidity] / 100
            vapour = humidity * saturated
            if name == "vapour_pressure":
                table.columns[name] = vapour
            elif name == "dewpoint":
                table.columns[name] = _dewpoint(temperature, humidity)
            else:
                dry = table.columns[self.pressure] * 100 - vapour
                table.columns[name] = (dry * 0.0289652 + vapour * 0.018016) / (
                    8.31446 * (temperature + 273.15)
                )


def _saturation_vapour_pressure(temperature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pressure in Pa: the Buck equation."""
    exponent = (18.678 - temperature / 234.5) * (temperature / (257.14 + temperature))
    pressure: NDArray[np.float64] = 0.61121 * np.exp(exponent) * 1000
    return pressure


def _dewpoint(temperature: NDArray[np.float64], humidity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the dew point in °C: the Magnus formula; `humidity` is a share."""
    gamma = np.log(humidity) + (17.625 * temperature) / (243.04 + temperature)
    point: NDArray[np.float64] = 243.04 * gamma / (17.625 - gamma)
    return point
