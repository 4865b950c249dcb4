"""The time and space that an installation takes, printed before it begins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid import cache
from tools.toolchain.download import available
from tools.toolchain.errors import ToolchainError
from tools.toolchain.keys import this_platform
from tools.toolchain.programs import PROGRAMS
from tools.toolchain.progress import duration
from tools.toolchain.supply import chosen, find_installed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Measured on 2 cores, from empty caches: all programs together, divided by the time that each takes.
_ALL_SECONDS = sum(each.seconds for each in PROGRAMS)
_ALL_MODULES_MB = 800
_ALL_SCRATCH_MB = 14400
_MB_PER_SECOND = 10  # of an official download


@dataclass(frozen=True)
class Cost:
    """The cost of one installation: seconds on 2 cores and megabytes.

    Attributes:
        scratch: additional disk space while it runs.
    """

    what: str
    seconds: float
    download: float
    scratch: float
    kept: float


def of_programs(names: Collection[str] | None = None) -> tuple[Cost, ...]:
    """Return the cost of the missing programs; downloads and builds are separate."""
    programs = chosen(names)
    installed = find_installed(programs, this_platform())
    missing = [each for each in programs if each.name not in installed]
    downloaded = [each for each in missing if available(each)]
    built = [each for each in missing if each not in downloaded]
    costs = []
    if downloaded:
        size = sum(each.megabytes for each in downloaded)
        named = ", ".join(each.name for each in downloaded)
        costs.append(Cost(f"official downloads: {named}", size / _MB_PER_SECOND, size / 2, 0, size))
    if built:
        seconds = sum(each.seconds for each in built)
        share = seconds / _ALL_SECONDS
        named = ", ".join(each.name for each in built)
        size = sum(each.megabytes for each in built)
        costs.append(
            Cost(
                f"built from Go modules: {named}",
                seconds,
                share * _ALL_MODULES_MB,
                share * _ALL_SCRATCH_MB,
                size,
            )
        )
    return tuple(costs)


def table(costs: Sequence[Cost]) -> str:
    """Return costs as text, a line each, then the total; all run side by side, so the longest time counts."""
    if not costs:
        return "Nothing has to be installed."
    rows = [("to be installed", "time on 2 cores", "download", "disk meanwhile", "disk kept")]
    rows += [_row(each) for each in costs]
    if len(costs) > 1:
        rows.append(
            _row(
                Cost(
                    "in all, side by side",
                    max(each.seconds for each in costs),
                    sum(each.download for each in costs),
                    sum(each.scratch for each in costs),
                    sum(each.kept for each in costs),
                )
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(1, 5)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row[1:], widths, strict=True)) + f"  {row[0]}"
        for row in rows
    )


def require_room(costs: Sequence[Cost]) -> None:
    """Refuse an installation that would fill the disk.

    Raises:
        ToolchainError: the caches' file system has less free space than the costs take.
    """
    folder = cache.root()
    folder.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(folder).free / 1e6, sum(each.scratch + each.kept for each in costs)
    if free < needed:
        raise ToolchainError(
            f"{folder} has {_size(free)} free and {_size(needed)} are needed:"
            " make room, or name a folder on a larger disk with XDG_CACHE_HOME"
        )


def _row(cost: Cost) -> tuple[str, str, str, str, str]:
    return (
        cost.what,
        duration(cost.seconds),
        _size(cost.download),
        _size(cost.scratch + cost.kept),
        _size(cost.kept),
    )


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
