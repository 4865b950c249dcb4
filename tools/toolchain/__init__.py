"""Obtains the programs that a bare machine lacks: Pulumi, a Kubernetes, an S3 server, an Ingress controller.

    programs.py     the table: versions, sources, official downloads
    go/             one go.mod and go.sum a program
    find.py         programs that the machine already has
    cache.py        where programs are kept; keys.py: the keys of the cache
    download.py     official downloads, verified
    build.py        builds from Go modules, verified
    supply.py       tries these sources in order
    debian.py       Debian packages
    cost.py         time and space of an installation, printed before it begins
    progress.py     progress, printed meanwhile

This package deliberately does not run the programs; `tools/node` and `tools/demo` do.
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
