"""The IEEE 118-bus network: its branches, their ratings, and the inputs of a branch's model.

An operating point is one row of numbers: active power of every load, reactive power of every load, active
power of every running generator (MW, Mvar), then load and generation of each of three areas (MW). A model's
inputs are some of its columns: those of the buses near its branch, and the areas.
"""

from __future__ import annotations

import itertools
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandapower
import pandapower.networks
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# case118's own ratings (41 kA a line, 9,900 MVA a transformer) are placeholders that put every loading near
# 0 %. A branch's rating here is its base-case current with this margin, and no less than the floor.
RATING_MARGIN = 1.5
RATING_FLOOR_KA = 0.25

NEIGHBOURHOOD = 2
"""How many branches away from either end of a branch the buses are that its model has as inputs."""

AREA_STARTS = (33, 69)
"""Bus index at which the second and the third area begin."""
AREAS = len(AREA_STARTS) + 1


@dataclass(frozen=True)
class Branch:
    """A line or a transformer; `inputs` are the columns of an operating point that its model takes."""

    uid: str
    rating_ka: float
    inputs: Indices


class Network:
    """case118 with its power flow. Not for several threads: a power flow works on the one pandapower net."""

    def __init__(self) -> None:
        self._net: Any = pandapower.networks.case118()
        self._running = np.flatnonzero(self._net.gen.p_mw.to_numpy() > 0)
        self.load_mw: Floats = self._net.load.p_mw.to_numpy(copy=True)
        self.load_mvar: Floats = self._net.load.q_mvar.to_numpy(copy=True)
        self.generation_mw: Floats = self._net.gen.p_mw.to_numpy(copy=True)[self._running]
        self._load_bus: Indices = self._net.load.bus.to_numpy()
        self._generator_bus: Indices = self._net.gen.bus.to_numpy()[self._running]
        self.load_area = np.digitize(self._load_bus, AREA_STARTS)
        self.generator_area = np.digitize(self._generator_bus, AREA_STARTS)

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """All lines, then all transformers, in pandapower's order."""
        uids = [f"line-{i}" for i in self._net.line.index] + [f"trafo-{i}" for i in self._net.trafo.index]
        base = self.currents_ka(self.load_mw, self.load_mvar, self.generation_mw)
        ratings = np.maximum(base * RATING_MARGIN, RATING_FLOOR_KA)
        return tuple(
            Branch(uid, float(rating), self._inputs_near(ends))
            for uid, rating, ends in zip(uids, ratings, self._ends, strict=True)
        )

    def operating_point(self, load_mw: Floats, load_mvar: Floats, generation_mw: Floats) -> Floats:
        """The row of numbers that stands for these loads and generations."""
        areas = [
            total
            for area in range(AREAS)
            for total in (
                load_mw[self.load_area == area].sum(),
                generation_mw[self.generator_area == area].sum(),
            )
        ]
        return np.concatenate([load_mw, load_mvar, generation_mw, areas])

    def currents_ka(self, load_mw: Floats, load_mvar: Floats, generation_mw: Floats) -> Floats:
        """Runs a Newton power flow; a line's current is its busier end's, a transformer's its high side's.

        Raises:
            pandapower.LoadflowNotConverged: there is no such operating point.
        """
        self._net.load["p_mw"] = load_mw
        self._net.load["q_mvar"] = load_mvar
        self._net.gen.loc[self._running, "p_mw"] = generation_mw
        with _without_case118s_own_warning():
            # Only loads and generation change between flows: recycling the rest halves the time.
            pandapower.runpp(self._net, numba=False, recycle={"bus_pq": True, "gen": True, "trafo": False})
        return np.concatenate([self._net.res_line.i_ka, self._net.res_trafo.i_hv_ka])

    @property
    def _ends(self) -> list[tuple[int, int]]:
        line, trafo = self._net.line, self._net.trafo
        return [
            *zip(line.from_bus, line.to_bus, strict=True),
            *zip(trafo.hv_bus, trafo.lv_bus, strict=True),
        ]

    @cached_property
    def _neighbours(self) -> dict[int, set[int]]:
        neighbours: dict[int, set[int]] = defaultdict(set)
        for one, other in self._ends:
            neighbours[one].add(other)
            neighbours[other].add(one)
        return neighbours

    def _inputs_near(self, ends: tuple[int, int]) -> Indices:
        buses = set(ends)
        for _ in range(NEIGHBOURHOOD):
            buses |= set(itertools.chain.from_iterable(self._neighbours[bus] for bus in buses))
        near = list(buses)
        loads = np.flatnonzero(np.isin(self._load_bus, near))
        generators = np.flatnonzero(np.isin(self._generator_bus, near))
        first_generator = 2 * len(self._load_bus)
        first_area = first_generator + len(self._generator_bus)
        return np.concatenate(
            [
                loads,
                len(self._load_bus) + loads,
                first_generator + generators,
                first_area + np.arange(2 * AREAS),
            ]
        )


@contextmanager
def _without_case118s_own_warning() -> Iterator[None]:
    """The stored case118 predates a table that pandapower 3 looks for; nothing here uses it."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="tap_dependency_table is missing in net", category=DeprecationWarning
        )
        yield
