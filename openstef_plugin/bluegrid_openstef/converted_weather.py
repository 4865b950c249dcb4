"""Turns the fitted steps of weather and sun into steps of `openstef/json`; needs OpenSTEF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pvlib

from bluegrid_openstef.pipeline.light import Location
from bluegrid_openstef.pipeline.sun import Daylight, Radiation
from bluegrid_openstef.pipeline.weather import Atmosphere, WindPower

if TYPE_CHECKING:
    from bluegrid_openstef.table_columns import TableColumns


def wind(step: Any, columns: TableColumns) -> WindPower | None:
    """Return the step that adds the power of the wind; None: there is no wind."""
    if step.windspeed_reference_column not in columns.names:
        return None
    if step.windspeed_hub_height_column not in columns.names:
        columns.add(step, [step.windspeed_hub_height_column])
    columns.add(step, [step.feature_name])
    return WindPower(
        speed=step.windspeed_reference_column,
        reference_height=step.reference_height,
        hub_speed=step.windspeed_hub_height_column,
        hub_height=step.hub_height,
        rated_power=step.rated_power,
        steepness=step.steepness,
        slope_center=step.slope_center,
        power=step.feature_name,
    )


def atmosphere(step: Any, columns: TableColumns) -> Atmosphere | None:
    """Return the step that adds pressures, dew point and density of the air; None: it adds none."""
    there = {*columns.names}
    needed = {
        "saturation_vapour_pressure": {step.temperature_column},
        "vapour_pressure": {step.temperature_column, step.relative_humidity_column},
        "dewpoint": {step.temperature_column, step.relative_humidity_column},
        "air_density": {step.temperature_column, step.relative_humidity_column, step.pressure_column},
    }
    features = [name for name, needs in needed.items() if name in step.included_features and needs <= there]
    if not features:
        return None
    columns.add(step, features)
    return Atmosphere.model_validate(
        {
            "temperature": step.temperature_column,
            "humidity": step.relative_humidity_column,
            "pressure": step.pressure_column,
            "features": features,
        }
    )


def radiation(step: Any, columns: TableColumns) -> Radiation | None:
    """Return the step that adds parts of the radiation; None: there is no radiation."""
    if step.radiation_column not in columns.names:
        return None
    made = Radiation(
        radiation=step.radiation_column,
        features=tuple(step.included_features),
        surface_tilt=step.surface_tilt,
        surface_azimuth=step.surface_azimuth,
        location=_location(step.coordinate),
    )
    columns.add(step, made.makes)
    return made


def daylight(step: Any, columns: TableColumns) -> Daylight:
    """Return the step that adds the light under a clear sky."""
    made = Daylight(location=_location(step.coordinate))
    columns.add(step, made.makes)
    return made


def _location(coordinate: Any) -> Location:
    latitude, longitude = float(coordinate.latitude), float(coordinate.longitude)
    months = pd.DatetimeIndex([f"2015-{month:02}-15" for month in range(1, 13)], tz="UTC")
    turbidity = pvlib.clearsky.lookup_linke_turbidity(months, latitude, longitude, interp_turbidity=False)
    altitude = float(pvlib.location.Location(latitude, longitude).altitude)
    return Location(
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        pressure=pvlib.atmosphere.alt2pres(altitude),
        turbidity=tuple(round(each * 20) for each in turbidity),
    )
