"""A year of quarter-hours of SimBench's grid, from the tables in its wheel: the power of each transformer.

The tables have profiles (a year, 1 at the peak) and, for each load and each renewable plant, its profile and
its peak. The power of a distribution transformer is the sum over its low-voltage grid. There is no weather:
profiles of wind and sun of other places stand in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import files
from pathlib import Path

import pandas as pd

_GRID = "1-complete_data-mixed-all-0-sw"
_WEATHER = {"wind": "WP10", "sun": "PV8"}
"""Profiles of plants of the transmission grid, as features by name."""


@dataclass(frozen=True)
class Transformer:
    """A transformer of the grid.

    Attributes:
        uid: its low-voltage grid and its name, such as `LV4.203/MV2.101-LV4.203-Trafo 1`.
        grid: the low-voltage grid, such as `LV4.203`.
    """

    uid: str
    grid: str


class Grid:
    """The tables of SimBench that the example uses."""

    def __init__(self) -> None:
        (table,) = (path for path in files("simbench") or [] if path.match(f"*/{_GRID}/Transformer.csv"))
        self._folder = Path(table.locate()).parent

    def transformers(self, count: int) -> list[Transformer]:
        """Return the first distribution transformers, in the order of the table."""
        table = self._read("Transformer")
        low = table[table.nodeLV.str.startswith("LV")]
        return [Transformer(f"{grid}/{name}", grid) for grid, name in zip(low.subnet, low.id, strict=True)][
            :count
        ]

    def series(self, transformer: Transformer) -> pd.DataFrame:
        """Return `load`, in MW, and features; the index is the year 2016 in UTC, in quarter-hours."""
        loads, plants = (table[table.subnet == transformer.grid] for table in (self._loads, self._plants))
        power = pd.Series(0.0, index=self._times)
        for profile, peak in zip(loads.profile, loads.pLoad, strict=True):
            power += peak * self._load_profiles[f"{profile}_pload"].to_numpy()
        for profile, peak in zip(plants.profile, plants.pRES, strict=True):
            power -= peak * self._plant_profiles[profile].to_numpy()
        weather = {name: self._plant_profiles[profile].to_numpy() for name, profile in _WEATHER.items()}
        return pd.DataFrame({"load": power, **weather}, index=self._times)

    @cached_property
    def _times(self) -> pd.DatetimeIndex:
        return pd.date_range("2016-01-01", periods=len(self._plant_profiles), freq="15min", tz="UTC")

    @cached_property
    def _loads(self) -> pd.DataFrame:
        return self._read("Load")

    @cached_property
    def _plants(self) -> pd.DataFrame:
        return self._read("RES")

    @cached_property
    def _load_profiles(self) -> pd.DataFrame:
        return self._read("LoadProfile")

    @cached_property
    def _plant_profiles(self) -> pd.DataFrame:
        return self._read("RESProfile")

    def _read(self, table: str) -> pd.DataFrame:
        return pd.read_csv(self._folder / f"{table}.csv", sep=";")
