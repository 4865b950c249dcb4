"""Command line of a server, such as in a pod: `python -m bluegrid_server [serve|preflight|attached]`."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_server import logs
from bluegrid_server.settings import Settings
from bluegrid_server.termination import give_up
from bluegrid_server.threads import compute_in_one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMANDS = ("serve", "preflight", "attached")
"""Commands; each is a module that has a function of the same name."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command; return the exit code."""
    name, *rest = arguments or ["serve"]
    if rest or name not in _COMMANDS:
        sys.stderr.write(f"usage: python -m bluegrid_server [{'|'.join(_COMMANDS)}]\n")
        return 2
    compute_in_one_thread()
    logs.configure()
    try:
        settings = Settings.from_environment(environ)
    except ConfigError as error:
        return give_up(str(error))
    return int(getattr(import_module(f"bluegrid_server.{name}"), name)(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
