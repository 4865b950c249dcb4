"""`python -m tools.demo [run|prepare|clean]`: run the demo, only prepare it, or remove it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from rich.table import Table

from bluegrid_registry import BluegridError
from tools.demo import place
from tools.demo.prepare import CHECKOUT, STATE, Prepared, prepare
from tools.demo.printer import Printer
from tools.demo.promises import PROMISES
from tools.demo.scenario import Results, run
from tools.demo.workspace import SERVICE, STACK, Workspace, end_leftovers
from tools.node import Node
from tools.toolchain.progress import duration


def main() -> int:
    """Run one command; return 0 if done, 1 if refused, failed or a promise broken, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("command", nargs="?", default="run", choices=_COMMANDS)
    try:
        return _COMMANDS[parser.parse_args().command](Printer())
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "error: interrupted; `make demo` starts it again, `make clean` stops what runs", file=sys.stderr
        )
        return 130


def _run(printer: Printer) -> int:
    started = time.monotonic()
    where = place.named(os.environ) if place.is_named() else None
    prepared = prepare(printer, with_node=where is None)
    ready = time.monotonic()
    where = where or _local(prepared, printer)
    work = Workspace(CHECKOUT, STATE / "demo", where, prepared.programs, printer.of("run"))
    work.create()
    results = run(work, prepared.models, printer)
    printer.line(
        "time", f"{duration(ready - started)} to prepare, {duration(time.monotonic() - ready)} for the rest"
    )
    _show(printer, work, results)
    return 0 if all(promise.holds(results) for promise in PROMISES) else 1


def _local(prepared: Prepared, printer: Printer) -> place.Place:
    """The node of this checkout, running, with the image."""
    node = Node.of_checkout(CHECKOUT)
    printer.title("A Kubernetes node and an S3 server start in a network of their own")
    node.up(printer.of("node"))
    if prepared.image is None:
        raise BluegridError("the local node needs an image")
    node.load_image(prepared.image.archive, prepared.image.name)
    return place.on_node(node, prepared.image.pinned)


def _prepare(printer: Printer) -> int:
    prepare(printer, with_node=True)
    return 0


def _clean(printer: Printer) -> int:
    """Stop the node; on a cluster that the user named, delete what the demo deployed."""
    settings, stack_file = STATE / "demo" / "env.sh", STATE / "demo" / f"Pulumi.{STACK}.yaml"
    end_leftovers(stack_file)
    if (STATE / "node").exists():
        Node.of_checkout(CHECKOUT).down(purge=True)
    elif stack_file.exists():
        # The program has the hooks that prove that no request reaches a deleted cluster.
        destroy = f"pulumi destroy --yes --run-program --stack {STACK} --config-file {stack_file}"
        if (
            subprocess.run(["sh", "-c", f". {settings} && {destroy}"], cwd=CHECKOUT, check=False).returncode
            != 0
        ):
            raise BluegridError("the cluster could not be cleaned, see above; `make clean` tries again")
    printer.line("clean", "nothing of the demo runs")
    return 0


def _show(printer: Printer, work: Workspace, results: Results) -> None:
    printer.title("Promises, and what was measured")
    table = Table("", "promise", "measured", box=None, header_style="bold")
    for promise in PROMISES:
        table.add_row(
            "[green]ok[/]" if promise.holds(results) else "[red]NO[/]",
            promise.sentence,
            promise.evidence(results),
        )
    printer.console.print(table)
    printer.console.print(_words(work, results), markup=False)


def _words(work: Workspace, results: Results) -> str:
    load = results.load
    answered = ", ".join(f"{count} by {version}" for version, count in sorted(load.by_version.items()))
    url = f"{work.place.route_url}/modelService/{SERVICE}/v2"
    pulumi = f"pulumi up --stack {work.stack} --config-file {work.stack_file}"
    return f"""
{load.sent} requests in {duration(load.seconds)}, while clusters were added, switched, refused and healed:
{answered}; {load.failed_total} failed.
The longest time without an answer was {load.longest_gap_ms:.0f} ms.

The service goes on running. From this checkout:
  curl {url}/models/line-17
  . {work.state}/env.sh                     then these work:
  bluegrid status
  kubectl --context {work.place.context} -n {work.namespace} get pods,services,ingresses
  bluegrid switch {SERVICE} d3 && {pulumi}
Stop it, and leave nothing:
  make clean"""


_COMMANDS = {"run": _run, "prepare": _prepare, "clean": _clean}

if __name__ == "__main__":
    sys.exit(main())
