"""Columns that follow from the position of the sun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bluegrid_openstef.pipeline.light import (
    ClearSky,
    Location,
    algorithm,
    clear_sky,
    on_tilted_surface,
    sun_position,
)
from bluegrid_openstef.pipeline.step import Step

if TYPE_CHECKING:
    from bluegrid_openstef.pipeline.light import Numbers
    from bluegrid_openstef.pipeline.table import SeriesTable

_SEA_LEVEL = 101325.0
"""Pressure in Pa."""
_LOW_SUN, _LOWEST_SUN = 80.0, 88.0
"""Zenith angles in degrees: direct light is limited from the first on, and left out from the second on."""
_TOLERANCE = 1.1
"""How much stronger than under a clear sky direct light may be, at a low sun."""


class Daylight(Step):
    """Adds the light under a clear sky."""

    step: Literal["DaylightFeatureAdder"] = "DaylightFeatureAdder"
    location: Location

    @property
    def makes(self) -> list[str]:
        """The name of the column."""
        return ["daylight_continuous"]

    def prepare(self) -> None:
        """Import the algorithm of the sun's position."""
        algorithm()

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
    def needs(self) -> tuple[str, ...]:
        """The radiation."""
        return (self.radiation,)

    @property
    def makes(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return [name for name in ("dni", "gti") if name in self.features]

    def prepare(self) -> None:
        """Import the algorithm of the sun's position."""
        algorithm()

    def transform(self, table: SeriesTable) -> None:
        """Add the columns."""
        ghi, times = table.columns[self.radiation], table.rows.tobytes()
        sky = clear_sky(times, self.location)
        zenith, azimuth = sun_position(
            times, self.location.latitude, self.location.longitude, 0.0, _SEA_LEVEL
        )
        dni = _direct_light(ghi, zenith, sky)
        if "dni" in self.features:
            table.columns["dni"] = dni
        if "gti" in self.features:
            table.columns["gti"] = on_tilted_surface(
                (self.surface_tilt, self.surface_azimuth), (zenith, azimuth), dni, ghi, sky.dhi
            )


def _direct_light(ghi: Numbers, zenith: Numbers, sky: ClearSky) -> Numbers:
    """Return direct normal light, 0 where there is none, as `pvlib.irradiance.dni`."""
    direct = (ghi - sky.dhi) / np.cos(np.radians(zenith))
    direct[direct < 0] = np.nan
    direct[(zenith >= _LOWEST_SUN) & (direct != 0)] = np.nan
    most = sky.dni * _TOLERANCE
    low = (zenith >= _LOW_SUN) & (zenith < _LOWEST_SUN) & (direct > most)
    direct = np.where(low, most, direct)
    return np.where(np.isnan(direct), 0.0, direct)
