"""`python -m model_server [serve|preflight]`: what a pod runs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from model_registry.errors import ConfigError
from model_server import logs
from model_server.failure import give_up
from model_server.preflight import preflight
from model_server.serve import serve
from model_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMANDS = {"serve": serve, "preflight": preflight}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command; returns the exit code."""
    name, *rest = arguments or ["serve"]
    if rest or name not in _COMMANDS:
        sys.stderr.write(f"usage: python -m model_server [{'|'.join(_COMMANDS)}]\n")
        return 2
    logs.configure()
    try:
        settings = Settings.from_environment(environ)
    except ConfigError as error:
        return give_up(str(error))
    return _COMMANDS[name](settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
