"""`python -m tools.node up|down|status`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tools.node import programs
from tools.node.errors import NodeError
from tools.node.node import Node

_CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 if done, 1 if refused or failed, 2 for wrong usage."""
    chosen = _parser().parse_args(arguments)
    node = Node(chosen.state) if chosen.state else Node.of_checkout(_CHECKOUT)
    try:
        if chosen.command == "up":
            node.up(_print_line, programs.in_folder(chosen.bin) if chosen.bin else None)
        elif chosen.command == "down":
            node.down(purge=chosen.purge)
    except NodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    status = node.status()
    if chosen.json:
        print(json.dumps(asdict(status), indent=2))
    else:
        print("\n".join(status.lines()))
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, metavar="DIR", help="another node than this checkout's")
    common.add_argument("--json", action="store_true", help="print the status as JSON")
    parser = argparse.ArgumentParser(
        prog="python -m tools.node", description="A Kubernetes node on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[common], help="start it and wait until it is ready")
    up.add_argument("--bin", type=Path, metavar="DIR", help="programs; default: what the toolchain obtained")
    down = commands.add_parser("down", parents=[common], help="stop it")
    down.add_argument("--purge", action="store_true", help="remove its state, too")
    commands.add_parser("status", parents=[common], help="show how it is")
    return parser


def _print_line(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
