"""Plots of the result, as small SVG files."""

from __future__ import annotations

from statistics import linear_regression, median
from typing import TYPE_CHECKING

from benchmarks.transfer.ours import Ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

Line = dict[int, list[float]]


def speeds(panels: Mapping[str, Mapping[str, Mapping[str, float]]], file: Path) -> None:
    """Bars of models a second: a panel a work, a group a round trip, a bar a tool."""
    figure = _figure(len(panels))
    tools = list(
        dict.fromkeys(tool for groups in panels.values() for group in groups.values() for tool in group)
    )
    width = 0.8 / len(tools)
    for axes, (title, groups) in zip(figure.axes, panels.items(), strict=True):
        for number, tool in enumerate(tools):
            places = [place for place, group in enumerate(groups.values()) if tool in group]
            heights = [group[tool] for group in groups.values() if tool in group]
            colour = "black" if tool == Ours.name else f"C{number}"
            axes.bar([place + number * width for place in places], heights, width, label=tool, color=colour)
        axes.set(title=title, ylabel="models a second", yscale="log")
        axes.set_xticks([place + 0.4 - width / 2 for place in range(len(groups))], list(groups))
    # The first panel has the bars of all tools.
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    _save(figure, file)


def lines(panels: Mapping[str, tuple[str, Line]], file: Path) -> None:
    """Samples against the number of models, and the straight line that fits their medians best."""
    figure = _figure(len(panels))
    for axes, (title, (unit, line)) in zip(figure.axes, panels.items(), strict=True):
        counts, medians = list(line), [median(each) for each in line.values()]
        slope, intercept = linear_regression(counts, medians)
        for count, samples in line.items():
            axes.plot([count] * len(samples), samples, "k.")
        axes.plot(counts, [intercept + slope * count for count in counts], "C0-", linewidth=1)
        axes.set(title=title, xlabel="models", ylabel=unit)
        axes.set_ylim(bottom=0)
    _save(figure, file)


def _figure(panels: int) -> Figure:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Text stays text, and the same figures give the same file.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "bluegrid", "font.size": 8}
    figure: Figure
    figure, _ = plt.subplots(1, panels, figsize=(4 * panels, 3.2), layout="constrained", squeeze=False)
    return figure


def _save(figure: Figure, file: Path) -> None:
    from matplotlib import pyplot as plt

    metadata: dict[str, Sequence[str] | None] = {"Date": None}
    figure.savefig(file, metadata=metadata)
    plt.close(figure)
