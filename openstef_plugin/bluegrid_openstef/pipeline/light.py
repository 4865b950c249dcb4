"""The position and the light of the sun, as pvlib 0.16 computes them for OpenSTEF, with NumPy alone.

Formulas are written as pvlib evaluates them: another order of the same operations rounds differently. Of
pvlib only the module with the algorithm of the position is used: its package imports pandas and SciPy, which
would be most of a pod's start. Requests for the same place and times, as in a batch, share one computation.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import numpy as np
from pydantic import Field

from bluegrid_openstef.pipeline.calendar import Calendar
from bluegrid_openstef.pipeline.step import PipelinePart

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Compute = TypeVar("Compute", bound=Callable[..., Any])

_TEMPERATURE, _DELTA_T, _REFRACTION = 12, 67.0, 0.5667
"""pvlib's defaults: °C; seconds between terrestrial time and UT1; degrees at sunrise."""
_SOLAR_CONSTANT = 1366.1
"""W/m²."""
_ALBEDO = 0.25
"""The share of light that the ground reflects."""
_SHARED = 32
"""Places and times of which the results are kept: 192 steps take 8 KB each."""
_MOST_SHARED_BYTES = 8 * 1024
"""Bytes of the times of which they are kept, 1,024 steps: those of long series would fill the memory."""


class Location(PipelinePart):
    """A place, with what pvlib's maps say of it."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude: float
    """Metres above the sea."""
    pressure: float
    """Pa."""
    turbidity: Annotated[tuple[Annotated[int, Field(ge=0, le=255)], ...], Field(min_length=12, max_length=12)]
    """Twenty times Linke's turbidity in each month, a byte of pvlib's map each."""


@dataclass(frozen=True)
class ClearSky:
    """The light under a clear sky, in W/m²: global horizontal, direct normal, diffuse horizontal."""

    ghi: Numbers
    dni: Numbers
    dhi: Numbers


def _shared(compute: Compute) -> Compute:
    """Keep the results of a function for the last times and places."""
    kept = lru_cache(_SHARED)(compute)

    @wraps(compute)
    def shared(times: bytes, *place: Any) -> Any:
        return compute(times, *place) if len(times) > _MOST_SHARED_BYTES else kept(times, *place)

    return cast("Compute", shared)


@_shared
def clear_sky(times: bytes, location: Location) -> ClearSky:
    """Return the light under a clear sky by Ineichen's model, as `Location.get_clearsky` of pvlib.

    Args:
        times: seconds since 1970 in UTC, the bytes of INT64.
        location: where.
    """
    zenith, _ = sun_position(
        times, location.latitude, location.longitude, location.altitude, location.pressure
    )
    dates = Calendar.of(np.frombuffer(times, dtype=np.int64))
    airmass = _airmass(zenith) * location.pressure / 101325.0
    turbidity, extra = _turbidity(dates, location.turbidity), _extraterrestrial(dates.day_of_year)
    with np.errstate(all="ignore"):
        sky = _ineichen(zenith, airmass, turbidity, location.altitude, extra)
    for values in (sky.ghi, sky.dni, sky.dhi):
        values.setflags(write=False)
    return sky


@_shared
def sun_position(
    times: bytes, latitude: float, longitude: float, altitude: float, pressure: float
) -> tuple[Numbers, Numbers]:
    """Return apparent zenith and azimuth, in degrees, as `get_solarposition` of pvlib."""
    seconds = np.frombuffer(times, dtype=np.int64).astype(np.float64)
    zenith, _, _, _, azimuth, _ = algorithm().solar_position(
        seconds, latitude, longitude, altitude, pressure / 100, _TEMPERATURE, _DELTA_T, _REFRACTION
    )
    zenith.setflags(write=False)
    azimuth.setflags(write=False)
    return zenith, azimuth


def on_tilted_surface(
    surface: tuple[float, float], sun: tuple[Numbers, Numbers], dni: Numbers, ghi: Numbers, dhi: Numbers
) -> Numbers:
    """Return all light on a surface, with an isotropic sky, as `pvlib.irradiance.get_total_irradiance`.

    Args:
        surface: tilt and azimuth in degrees.
        sun: zenith and azimuth in degrees.
        dni: direct normal light, in W/m².
        ghi: global horizontal light.
        dhi: diffuse horizontal light.
    """
    (tilt, facing), (zenith, azimuth) = surface, sun
    level = np.cos(np.radians(tilt))
    ground = ghi * _ALBEDO * (1 - level) * 0.5
    sky = dhi * (1 + level) * 0.5
    projection = level * np.cos(np.radians(zenith)) + np.sin(np.radians(tilt)) * np.sin(
        np.radians(zenith)
    ) * np.cos(np.radians(azimuth - facing))
    # Through the angle and back, as pvlib does.
    incidence = np.rad2deg(np.arccos(np.clip(projection, -1, 1)))
    direct = np.maximum(dni * np.cos(np.radians(incidence)), 0)
    light: Numbers = direct + (sky + ground)
    return light


def _airmass(zenith: Numbers) -> Numbers:
    """Return the relative airmass by Kasten and Young (1989); NaN below the horizon."""
    above = np.where(zenith > 90, np.nan, zenith)
    airmass: Numbers = 1.0 / (np.cos(np.radians(above)) + 0.50572 * ((6.07995 + (90 - above)) ** -1.6364))
    return airmass


def _extraterrestrial(day: NDArray[np.int64]) -> Numbers:
    """Return the light outside of the atmosphere by Spencer (1971), in W/m², of days of the year."""
    angle = (2.0 * np.pi / 365.0) * (day - 1)
    light: Numbers = _SOLAR_CONSTANT * (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle)
        + 7.7e-05 * np.sin(2 * angle)
    )
    return light


def _ineichen(
    zenith: Numbers, airmass: Numbers, turbidity: Numbers, altitude: float, extra: Numbers
) -> ClearSky:
    """Return the light under a clear sky by Ineichen and Perez (2002)."""
    height = np.maximum(np.cos(np.radians(zenith)), 0)
    near, far = np.exp(-altitude / 8000.0), np.exp(-altitude / 1250.0)
    share, loss = 5.09e-05 * altitude + 0.868, 3.92e-05 * altitude + 0.0387
    passed = np.exp(-loss * airmass * (near + far * (turbidity - 1)))
    # There is no airmass at night: fmax makes it 0.
    ghi = share * extra * height * turbidity / turbidity * np.fmax(passed, 0)
    beam = (0.664 + 0.163 / near) * np.exp(-0.09 * airmass * (turbidity - 1))
    beam = extra * np.fmax(beam, 0)
    limit = (1 - (0.1 - 0.2 * np.exp(-turbidity)) / (0.1 + 0.882 / near)) / height
    dni = np.minimum(beam, ghi * np.fmin(np.fmax(limit, 0), 1e20))
    return ClearSky(ghi, dni, ghi - dni * height)


def _turbidity(dates: Calendar, monthly: tuple[int, ...]) -> Numbers:
    """Return Linke's turbidity of each day, between the middles of the months."""
    around = [monthly[-1], *monthly, monthly[0]]
    leap = np.interp(dates.day_of_year, _middles(2016), around)
    other = np.interp(dates.day_of_year, _middles(2015), around)
    is_leap = (dates.year % 4 == 0) & ((dates.year % 100 != 0) | (dates.year % 400 == 0))
    turbidity: Numbers = np.where(is_leap, leap, other) / 20.0
    return turbidity


@cache
def _middles(year: int) -> Any:
    """Return the days of the year in the middle of each month, and of the months before and after."""
    lengths = np.array([calendar.monthrange(year, month)[1] for month in range(1, 13)])
    ends = lengths.cumsum()
    return np.concatenate([[-lengths[-1] / 2], ends - lengths / 2, [ends[-1] + lengths[0] / 2]])


@cache
def algorithm() -> Any:
    """Return pvlib's module `spa`, the solar position algorithm of NREL, without its package."""
    package = util.find_spec("pvlib")
    if package is None or package.origin is None:
        raise ImportError("No module named 'pvlib'")
    path = Path(package.origin).with_name("spa.py")
    spec = util.spec_from_file_location("bluegrid_openstef.pvlib_spa", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError("pvlib has no module spa")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
