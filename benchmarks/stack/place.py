"""A node of the benchmark's own, with the example's service on it: v1 live on d1, v2 standing by on d2."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.stack import services
from bluegrid_registry import BluegridError
from tools.demo import steps
from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, EXAMPLE, Prepared, prepare
from tools.demo.workspace import Workspace
from tools.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tools.demo.printer import Printer
    from tools.demo.workspace import Ran

STACK = "bench"


@contextmanager
def online(printer: Printer, folder: Path) -> Iterator[tuple[Workspace, Prepared]]:
    """Yield a workspace whose stack is up; its node is removed with the block."""
    prepared = prepare(printer, with_node=True)
    if prepared.image is None:
        raise BluegridError("the image of the model server was not built; see above")
    node = Node(folder / "node")
    try:
        node.up(printer.of("node"))
        node.load_image(prepared.image.archive, prepared.image.name)
        place = on_node(node, prepared.image.pinned)
        work = Workspace(CHECKOUT, folder / STACK, place, prepared.programs, _commands(printer), STACK)
        work.create()
        steps.declare_set(work, EXAMPLE)
        for version in services.VERSIONS:
            steps.push(work, prepared.models / version, version)
        services.declare_real(work)
        steps.up(work).require()
        yield work, prepared
    finally:
        node.down(purge=True)


def _commands(printer: Printer) -> Callable[[str], None]:
    """Print commands without their output, which has a line for each of thousands of objects."""
    return lambda line: printer.line("run", line) if line.startswith("$ ") else None


def current_kubeconfig(work: Workspace) -> Path:
    """Return a copy of the node's kubeconfig with a current context, for programs that need one."""
    config = json.loads(work.place.kubeconfig.read_text()) | {"current-context": work.place.context}
    copy = work.state / "kubeconfig"
    copy.touch(mode=0o600)
    copy.write_text(json.dumps(config))
    return copy


def apply(work: Workspace, *objects: Mapping[str, Any] | Path) -> None:
    """Run `kubectl apply` on objects or files."""
    for each in objects:
        file = each if isinstance(each, Path) else written(work, each)
        kubectl(work, "apply", "--server-side", f"--filename={file}")


def written(work: Workspace, manifest: Mapping[str, Any]) -> Path:
    """Write one object to a file for kubectl."""
    file = work.state / f"{manifest['kind']}.json".lower()
    file.write_text(json.dumps(manifest))
    return file


def kubectl(work: Workspace, *arguments: str) -> Ran:
    """Run kubectl in the stack's namespace; raise if it fails."""
    where = ("--context", work.place.context, "--namespace", work.namespace)
    return work.run("kubectl", *where, *arguments).require()
