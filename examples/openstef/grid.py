"""A year of quarter-hours of SimBench's grid, from the tables in its wheel: the power of each target.

The tables have profiles (a year, 1 at the peak) and, for each load and each renewable plant, its profile and
its peak. The power of a transformer is the sum over the grid that it feeds. There is no weather: profiles of
wind and sun of other places stand in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

_GRID = "1-complete_data-mixed-all-0-sw"
_WEATHER = {"wind": "WP10", "sun": "PV8"}
"""Profiles of plants of the transmission grid, as features by name."""
_TRANSMISSION = 1
"""Voltage level of transformers that couple 380 kV and 220 kV. They feed no grid of their own: only a power
flow would tell what they carry."""
_EQUIVALENT = "_eq"
"""Ends the grid of a row that stands for a whole grid below it, which other rows have in detail."""


@dataclass(frozen=True)
class Target:
    """What is forecast: a transformer, or a load.

    Attributes:
        uid: its grid and its name, such as `LV4.203/MV2.101-LV4.203-Trafo 1`.
        grid: that the transformer feeds, such as `LV4.203`, or that the load is in.
        share: of the grid's power; transformers side by side carry the same.
        load: its ID; None for a transformer.
    """

    uid: str
    grid: str
    share: float = 1.0
    load: str | None = None


class Grid:
    """The tables of SimBench that the example uses."""

    def __init__(self) -> None:
        (table,) = (path for path in files("simbench") or [] if path.match(f"*/{_GRID}/Transformer.csv"))
        self._folder = Path(table.locate()).parent

    def targets(self) -> list[Target]:
        """Return the transformers, those of the lowest voltage first, then the loads."""
        table = self._read("Transformer")
        # Grids of one kind, such as LV1, are much alike: by their numbers, the kinds are in turn.
        table["number"] = table.subnet.str.partition(".")[2]
        fed = table[table.voltLvl > _TRANSMISSION].sort_values(
            ["voltLvl", "number"], ascending=[False, True], kind="stable"
        )
        beside = fed.groupby("subnet").id.transform("count")
        transformers = [
            Target(f"{grid}/{name}", grid, 1 / count)
            for grid, name, count in zip(fed.subnet, fed.id, beside, strict=True)
        ]
        loads = self._loads[~self._loads.subnet.str.endswith(_EQUIVALENT)]
        return transformers + [
            Target(f"{grid}/{name}", grid, load=name)
            for grid, name in zip(loads.subnet, loads.id, strict=True)
        ]

    def series(self, target: Target) -> pd.DataFrame:
        """Return `load`, in MW, and features; the index is the year 2016 in UTC, in quarter-hours."""
        if target.load is None:
            power = target.share * (
                _sum(_of(self._loads, target.grid), "pLoad", self._load_profiles)
                - _sum(_of(self._plants, target.grid), "pRES", self._plant_profiles)
            )
        else:
            power = _sum(self._loads[self._loads.id == target.load], "pLoad", self._load_profiles)
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
        table = self._read("LoadProfile", usecols=lambda name: name.endswith("_pload"))
        return table.rename(columns=lambda name: name.removesuffix("_pload"))

    @cached_property
    def _plant_profiles(self) -> pd.DataFrame:
        return self._read("RESProfile", usecols=lambda name: name != "time")

    def _read(self, table: str, **options: Any) -> pd.DataFrame:
        return pd.read_csv(self._folder / f"{table}.csv", sep=";", **options)


def _of(table: pd.DataFrame, grid: str) -> pd.DataFrame:
    """Return the rows of a grid, and of the grids below it by what stands for each."""
    return table[(table.subnet == grid) | table.subnet.str.startswith(f"{grid}_")]


def _sum(rows: pd.DataFrame, peak: str, profiles: pd.DataFrame) -> NDArray[Any]:
    peaks = rows.groupby("profile")[peak].sum()
    power: NDArray[Any] = profiles[[*peaks.index]].to_numpy() @ peaks.to_numpy()
    return power
