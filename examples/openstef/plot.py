"""Draws forecasts beside the load that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from examples.openstef.training import START, Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BEFORE = pd.Timedelta(days=2)
"""Of the known past that is drawn."""


def draw(
    trained: Sequence[Trained], answers: Mapping[str, Mapping[str, Sequence[float]]], file: Path
) -> None:
    """Write an SVG file with a panel for each target.

    Args:
        trained: the targets.
        answers: outputs of the forecasts, by UID and name.
        file: to write.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    drawn, panels = plt.subplots(
        len(trained), 1, figsize=(8, 2.2 * len(trained)), layout="constrained", squeeze=False
    )
    for axes, target in zip(panels[:, 0], trained, strict=True):
        _draw_one(axes, target, answers[target.uid])
    panels[0, 0].legend(loc="upper left", ncols=3, fontsize=8)
    drawn.savefig(file)
    plt.close(drawn)


def _draw_one(axes: Any, target: Trained, answer: Mapping[str, Sequence[float]]) -> None:
    known = target.recent.load[START - _BEFORE : START].dropna()
    times = pd.to_datetime(answer["time"], unit="s", utc=True)
    axes.plot(pd.concat([known, target.came]), "k-", linewidth=0.8, label="load")
    axes.fill_between(
        times, answer["quantile_P10"], answer["quantile_P90"], color="C0", alpha=0.3, label="P10 to P90"
    )
    axes.plot(times, answer["quantile_P50"], "C0-", linewidth=1, label="P50")
    axes.set_title(target.uid, fontsize=8, loc="left")
    axes.set_ylabel("MW", fontsize=8)
    axes.tick_params(labelsize=7)
