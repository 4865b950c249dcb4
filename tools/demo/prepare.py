"""Obtains programs, image and models; image and models are made while the compiler builds programs."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid import cache, image
from bluegrid_registry import BluegridError
from tools import toolchain
from tools.toolchain import debian

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.demo.printer import Printer

CHECKOUT = Path(__file__).parents[2]
STATE = CHECKOUT / ".bluegrid"
EXAMPLE = CHECKOUT / "examples" / "line_loading"
MODELS = STATE / "models"
IMAGE = toolchain.Cost("built: the image of a serving pod", seconds=120, download=100, scratch=1300, kept=130)
TRAINING = toolchain.Cost("trained: 4 versions of 186 models", seconds=40, download=0, scratch=0, kept=10)


@dataclass(frozen=True)
class Prepared:
    """What a demo needs besides a place to deploy to.

    Attributes:
        programs: folder of the programs, to be first on PATH.
        image: the model server's image; None if the user names a cluster, and with the cluster an image.
        models: folder of the trained versions.
    """

    programs: Path
    image: image.Image | None
    models: Path


def prepare(printer: Printer, *, with_node: bool) -> Prepared:
    """Get everything ready, side by side; takes seconds if everything exists.

    Args:
        printer: where progress goes.
        with_node: also what a local Kubernetes needs; otherwise only its clients.

    Raises:
        BluegridError: a part failed; the other parts still finish, and are kept.
    """
    names = None if with_node else toolchain.CLIENTS
    costs = _costs(names, with_node=with_node)
    printer.line("plan", toolchain.table(costs))
    toolchain.require_room(costs)
    with ThreadPoolExecutor() as workers:
        models = workers.submit(_train, printer.of("models"))
        built = workers.submit(_build_image, printer) if with_node else None
        toolchain.obtain(names, printer.steps("programs"))
        models.result()
        return Prepared(toolchain.programs_dir(), built.result() if built else None, MODELS)


def _costs(names: Sequence[str] | None, *, with_node: bool) -> list[toolchain.Cost]:
    costs = [*toolchain.of_programs(names)]
    if not MODELS.exists():
        costs.append(TRAINING)
    if with_node:
        costs += debian.cost()
        costs += [] if image.kept() else [IMAGE]
    return costs


def _build_image(printer: Printer) -> image.Image:
    debian.install(printer.steps("packages"))
    return image.build(printer.of("image"))


def _train(report: Callable[[str], None]) -> None:
    """Train all versions, once for each checkout; keep none of them if one fails.

    Of two runs at once the second waits.
    """
    if MODELS.exists():
        return
    with cache.locked(STATE / "models.lock", lambda: report("waiting for another run that trains them")):
        if not MODELS.exists():
            _run([sys.executable, "-m", "bluegrid.tour.line_loading", "--out", str(MODELS)], report)


def _run(command: Sequence[str], report: Callable[[str], None]) -> None:
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        last = ""
        for line in process.stdout or ():
            last = line.rstrip()
            report(last)
    if process.returncode != 0:
        raise BluegridError(f"`{' '.join(command)}` ended with exit code {process.returncode}: {last}")
