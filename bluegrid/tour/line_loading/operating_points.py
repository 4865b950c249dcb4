"""Operating points of the network by season, and the loading of every branch at each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bluegrid.tour.line_loading.network import AREAS, Floats, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Season:
    """What distinguishes the operating points of a part of the year; 1 is the base case throughout.

    Attributes:
        load: lowest and highest load of the whole network.
        reactive: mean reactive load for the same active load.
        generation: share of each area in the generation.
    """

    name: str
    load: tuple[float, float]
    reactive: float
    generation: tuple[float, float, float]


SPRING_AND_AUTUMN = Season("spring and autumn", (0.65, 0.95), 1.0, (1.05, 1.0, 0.95))
WINTER = Season("winter", (0.95, 1.2), 0.9, (0.97, 1.0, 1.03))
SUMMER = Season("summer", (0.8, 1.1), 1.15, (1.0, 1.05, 0.95))
NEXT_YEAR = Season("next year", (0.75, 1.2), 1.05, (0.9, 1.0, 1.1))

AREA_SPREAD, LOAD_SPREAD, REACTIVE_SPREAD, GENERATION_SPREAD = 0.06, 0.05, 0.04, 0.08
"""Standard deviations, in parts of the mean, of what varies within a season."""


@dataclass(frozen=True)
class OperatingPoints:
    """Rows are operating points; `loading_percent` has one column a branch, in the network's order."""

    points: Floats
    loading_percent: Floats

    def __len__(self) -> int:
        return len(self.points)

    def rows(self, part: slice) -> OperatingPoints:
        """Some of the operating points."""
        return OperatingPoints(self.points[part], self.loading_percent[part])


def sample(
    network: Network, season: Season, count: int, rng: np.random.Generator, each: Callable[[], None]
) -> OperatingPoints:
    """Draws `count` operating points of a season and computes their power flows; calls `each` after each."""
    ratings_ka = np.array([branch.rating_ka for branch in network.branches])
    points, loadings = [], []
    for _ in range(count):
        load_mw, load_mvar, generation_mw = _draw(network, season, rng)
        currents_ka = network.currents_ka(load_mw, load_mvar, generation_mw)
        points.append(network.operating_point(load_mw, load_mvar, generation_mw))
        loadings.append(100 * currents_ka / ratings_ka)
        each()
    return OperatingPoints(np.array(points), np.array(loadings))


def mixed(parts: Sequence[OperatingPoints], rng: np.random.Generator) -> OperatingPoints:
    """The points of several seasons in one random order."""
    order = rng.permutation(sum(len(part) for part in parts))
    return OperatingPoints(
        np.concatenate([part.points for part in parts])[order],
        np.concatenate([part.loading_percent for part in parts])[order],
    )


def _draw(network: Network, season: Season, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Loads vary with the network, their area and alone; generation follows load, the slack the rest."""
    whole = rng.uniform(*season.load)
    area = rng.normal(1, AREA_SPREAD, AREAS)[network.load_area]
    each = whole * area * rng.normal(1, LOAD_SPREAD, len(area))
    load_mw = network.load_mw * each
    load_mvar = network.load_mvar * each * rng.normal(season.reactive, REACTIVE_SPREAD, len(area))

    share = np.array(season.generation)[network.generator_area]
    generation_mw = network.generation_mw * share * rng.normal(1, GENERATION_SPREAD, len(share))
    wanted_mw = network.generation_mw.sum() * load_mw.sum() / network.load_mw.sum()
    return load_mw, load_mvar, generation_mw * wanted_mw / generation_mw.sum()
