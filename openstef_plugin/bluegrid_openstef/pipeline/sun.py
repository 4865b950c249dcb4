"""Columns that follow from the position of the sun, by the functions of pvlib that OpenSTEF calls.

Called with arrays, they compute the same without pandas. Rows at the same place and the same times, such as
those of the requests of a batch, share one computation.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from bluegrid_openstef.pipeline.calendar import Calendar
from bluegrid_openstef.pipeline.step import Step
from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bluegrid_openstef.pipeline.table import SeriesTable

    Numbers = NDArray[np.float64]

_SEA_LEVEL = 101325.0
"""Pressure in Pa."""
_TEMPERATURE, _DELTA_T, _REFRACTION = 12, 67.0, 0.5667
"""pvlib's defaults: °C; seconds between terrestrial time and UT1; degrees at sunrise."""
_LOW_SUN, _LOWEST_SUN = 80.0, 88.0
"""Zenith angles in degrees: direct light is limited from the first on, and left out from the second on."""
_TOLERANCE = 1.1
"""How much stronger than under a clear sky direct light may be, at a low sun."""
_SHARED = 32
"""Places and times of which the results are kept: 192 steps take 12 KB each."""


class Location(Frozen):
    """A place, with what pvlib's maps say of it."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude: float
    """Metres above the sea."""
    turbidity: Annotated[tuple[int, ...], Field(min_length=12, max_length=12)]
    """Twenty times Linke's turbidity in each month."""


@dataclass(frozen=True)
class ClearSky:
    """The light under a clear sky, in W/m²: global horizontal, direct normal, diffuse horizontal."""

    ghi: Numbers
    dni: Numbers
    dhi: Numbers


class Daylight(Step):
    """Adds the light under a clear sky."""

    step: Literal["DaylightFeatureAdder"] = "DaylightFeatureAdder"
    location: Location

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return ["daylight_continuous"]

    def transform(self, table: SeriesTable) -> None:
        """Add the column."""
        table.columns["daylight_continuous"] = clear_sky(table.rows.tobytes(), self.location).ghi


class Radiation(Step):
    """Adds direct light, and all light on a tilted surface, from the radiation on the ground."""

    step: Literal["RadiationDerivedFeaturesAdder"] = "RadiationDerivedFeaturesAdder"
    radiation: str
    """The column with the global horizontal radiation."""
    features: tuple[Literal["dni", "gti"], ...]
    surface_tilt: float
    surface_azimuth: float
    location: Location

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return [name for name in ("dni", "gti") if name in self.features]

    def transform(self, table: SeriesTable) -> None:
        """Add the columns."""
        import pvlib

        ghi, times = table.columns[self.radiation], table.rows.tobytes()
        sky = clear_sky(times, self.location)
        zenith, azimuth = sun_position(
            times, self.location.latitude, self.location.longitude, 0.0, _SEA_LEVEL
        )
        dni = _direct_light(ghi, zenith, sky)
        if "dni" in self.features:
            table.columns["dni"] = dni
        if "gti" in self.features:
            table.columns["gti"] = pvlib.irradiance.get_total_irradiance(
                surface_tilt=self.surface_tilt,
                surface_azimuth=self.surface_azimuth,
                solar_zenith=zenith,
                solar_azimuth=azimuth,
                dni=dni,
                ghi=ghi,
                dhi=sky.dhi,
            )["poa_global"]


def _direct_light(ghi: Numbers, zenith: Numbers, sky: ClearSky) -> Numbers:
    """Return direct normal light, 0 where there is none: `pvlib.irradiance.dni`, which takes Series alone."""
    direct = (ghi - sky.dhi) / np.cos(np.radians(zenith))
    direct[direct < 0] = np.nan
    direct[(zenith >= _LOWEST_SUN) & (direct != 0)] = np.nan
    most = sky.dni * _TOLERANCE
    low = (zenith >= _LOW_SUN) & (zenith < _LOWEST_SUN) & (direct > most)
    direct = np.where(low, most, direct)
    return np.where(np.isnan(direct), 0.0, direct)


@lru_cache(_SHARED)
def clear_sky(times: bytes, location: Location) -> ClearSky:
    """Return the light under a clear sky by Ineichen's model, as `Location.get_clearsky` of pvlib.

    Args:
        times: seconds since 1970 in UTC, the bytes of INT64.
        location: where.
    """
    import pvlib

    pressure = pvlib.atmosphere.alt2pres(location.altitude)
    zenith, _ = sun_position(times, location.latitude, location.longitude, location.altitude, pressure)
    dates = Calendar.of(np.frombuffer(times, dtype=np.int64))
    airmass = pvlib.atmosphere.get_relative_airmass(zenith)
    light = pvlib.clearsky.ineichen(
        zenith,
        pvlib.atmosphere.get_absolute_airmass(airmass, pressure),
        _turbidity(dates, location.turbidity),
        altitude=location.altitude,
        dni_extra=pvlib.irradiance.get_extra_radiation(dates.day_of_year),
    )
    return ClearSky(*(_shared(light[name]) for name in ("ghi", "dni", "dhi")))


@lru_cache(_SHARED)
def sun_position(
    times: bytes, latitude: float, longitude: float, altitude: float, pressure: float
) -> tuple[Numbers, Numbers]:
    """Return apparent zenith and azimuth, in degrees, as `get_solarposition` of pvlib."""
    from pvlib import spa

    seconds = np.frombuffer(times, dtype=np.int64).astype(np.float64)
    zenith, _, _, _, azimuth, _ = spa.solar_position(
        seconds, latitude, longitude, altitude, pressure / 100, _TEMPERATURE, _DELTA_T, _REFRACTION
    )
    return _shared(zenith), _shared(azimuth)


def _turbidity(dates: Calendar, monthly: tuple[int, ...]) -> Numbers:
    """Return Linke's turbidity of each day, between the middles of the months."""
    around = [monthly[-1], *monthly, monthly[0]]
    leap = np.interp(dates.day_of_year, _middles(2016), around)
    other = np.interp(dates.day_of_year, _middles(2015), around)
    is_leap = (dates.year % 4 == 0) & ((dates.year % 100 != 0) | (dates.year % 400 == 0))
    turbidity: Numbers = np.where(is_leap, leap, other) / 20.0
    return turbidity


def _middles(year: int) -> Any:
    """Return the days of the year in the middle of each month, and of the months before and after."""
    lengths = np.array([calendar.monthrange(year, month)[1] for month in range(1, 13)])
    ends = lengths.cumsum()
    return np.concatenate([[-lengths[-1] / 2], ends - lengths / 2, [ends[-1] + lengths[0] / 2]])


def _shared(values: Numbers) -> Numbers:
    values.setflags(write=False)
    return values
