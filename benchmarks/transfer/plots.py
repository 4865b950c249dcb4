"""Plots of the result, as small SVG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import plots
from benchmarks.transfer.ours import Ours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def speeds(panels: Mapping[str, Mapping[str, Mapping[str, float]]], file: Path) -> None:
    """Plot models a second as bars: one panel per work, one group per round trip, one bar per tool."""
    figure = plots.figure(len(panels))
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
    # The first panel has bars of all tools.
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plots.save(figure, file)
