"""Plots of results, as small SVG files."""

from __future__ import annotations

from statistics import linear_regression, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

Line = dict[int, list[float]]


def lines(panels: Mapping[str, tuple[str, Line]], file: Path, counted: str = "models") -> None:
    """Plot samples against a count, with the straight line that fits their medians best."""
    drawn = figure(len(panels))
    for axes, (title, (unit, line)) in zip(drawn.axes, panels.items(), strict=True):
        counts, medians = list(line), [median(each) for each in line.values()]
        slope, intercept = linear_regression(counts, medians)
        for count, samples in line.items():
            axes.plot([count] * len(samples), samples, "k.")
        axes.plot(counts, [intercept + slope * count for count in counts], "C0-", linewidth=1)
        axes.set(title=title, xlabel=counted, ylabel=unit)
        axes.set_ylim(bottom=0)
    save(drawn, file)


def figure(panels: int) -> Figure:
    """Return an empty figure with panels side by side."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Keep text as text; the same figures give the same file.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "bluegrid", "font.size": 8}
    drawn: Figure
    drawn, _ = plt.subplots(1, panels, figsize=(4 * panels, 3.2), layout="constrained", squeeze=False)
    return drawn


def save(figure: Figure, file: Path) -> None:
    """Write a figure as a small file."""
    from matplotlib import pyplot as plt

    metadata: dict[str, Sequence[str] | None] = {"Date": None}
    figure.savefig(file, metadata=metadata)
    plt.close(figure)
