"""Obtains the programs that a bare machine lacks: Pulumi, a Kubernetes, an S3 server, an Ingress controller.

    programs.py     the table: versions, sources, official downloads
    go/             one go.mod and go.sum a program
    find.py         what the machine has already
    cache.py        where programs are kept; keys.py: under which keys
    download.py     official downloads, verified
    build.py        builds from Go modules, verified
    supply.py       puts these in order
    debian.py       Debian packages
    cost.py         what all of it costs, printed before it begins
    progress.py     what is printed meanwhile

It deliberately knows nothing of how the programs are run: that is `tools/node` and `tools/demo`.
"""

from __future__ import annotations

from tools.toolchain.cost import Cost, of_programs, require_room, table
from tools.toolchain.errors import ToolchainError
from tools.toolchain.programs import CLIENTS, PROGRAMS
from tools.toolchain.progress import Progress, ProgressPrinter, Step
from tools.toolchain.supply import obtain, programs_dir

__all__ = [
    "CLIENTS",
    "PROGRAMS",
    "Cost",
    "Progress",
    "ProgressPrinter",
    "Step",
    "ToolchainError",
    "obtain",
    "of_programs",
    "programs_dir",
    "require_room",
    "table",
]
