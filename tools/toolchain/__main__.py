"""`python -m tools.toolchain`: list what is missing and its cost, obtain it, show where it is, remove it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from bluegrid_registry import BluegridError
from tools.toolchain import cache, debian
from tools.toolchain.cost import Cost, of_programs, require_room, table
from tools.toolchain.keys import this_platform
from tools.toolchain.programs import PROGRAMS
from tools.toolchain.progress import ProgressPrinter, quiet
from tools.toolchain.supply import find_installed, obtain, programs_dir

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.toolchain", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--json", action="store_true", help="print data instead of text")
    parsed = parser.parse_args(arguments)
    try:
        _COMMANDS[parsed.command](parsed.json)
    except BluegridError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _plan(as_json: bool) -> None:
    costs = _costs()
    print(json.dumps([asdict(each) for each in costs]) if as_json else table(costs))


def _costs() -> list[Cost]:
    return [*debian.cost(), *of_programs()]


def _obtain(as_json: bool) -> None:
    costs = _costs()
    if not as_json:
        print(table(costs))
    require_room(costs)
    progress = quiet if as_json else ProgressPrinter()
    debian.install(progress)
    obtain(progress=progress)
    _where(as_json)


def _where(as_json: bool) -> None:
    installed = find_installed(PROGRAMS, this_platform())
    if as_json:
        origins = {name: each.origin for name, each in installed.items()}
        print(json.dumps({"programs_dir": str(programs_dir()), "origins": origins}))
        return
    print(f"on PATH with {programs_dir()}")
    for each in PROGRAMS:
        print(f"  {each.name:<27} {installed[each.name].origin if each.name in installed else 'missing'}")


def _clean(_: bool) -> None:
    cache.discard(cache.build(), cache.programs())


_COMMANDS = {"plan": _plan, "obtain": _obtain, "where": _where, "clean": _clean}

if __name__ == "__main__":
    sys.exit(main())
