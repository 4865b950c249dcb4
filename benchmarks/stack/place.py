"""A node of the benchmark's own, with the example's service on it: v1 live on d1, v2 standing by on d2."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.stack import services
from model_registry import BluegridError
from tools.demo import steps
from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, EXAMPLE, Prepared, prepare
from tools.demo.workspace import Workspace
from tools.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.demo.telling import Telling

STACK = "bench"


@contextmanager
def online(telling: Telling, folder: Path) -> Iterator[tuple[Workspace, Prepared]]:
    """A workspace whose stack is up; its node is gone with the block."""
    prepared = prepare(telling, with_node=True)
    if prepared.image is None:
        raise BluegridError("the image of the model server was not built; see above")
    node = Node(folder / "node")
    try:
        node.up(telling.of("node"))
        node.load_image(prepared.image.archive)
        place = on_node(node, prepared.image.reference)
        work = Workspace(CHECKOUT, folder / STACK, place, prepared.programs, telling.of("run"), STACK)
        work.create()
        steps.declare_set(work, EXAMPLE)
        for version in services.VERSIONS:
            steps.push(work, prepared.models / version, version)
        services.declare_real(work)
        steps.up(work).require()
        yield work, prepared
    finally:
        node.down(purge=True)


def current_kubeconfig(work: Workspace) -> Path:
    """A copy of the node's kubeconfig with a current context, for programs that cannot be told one."""
    config = json.loads(work.place.kubeconfig.read_text()) | {"current-context": work.place.context}
    copy = work.state / "kubeconfig"
    copy.touch(mode=0o600)
    copy.write_text(json.dumps(config))
    return copy


def apply(work: Workspace, *objects: object) -> None:
    """`kubectl apply` of objects, or of files."""
    for number, each in enumerate(objects):
        file = each
        if isinstance(each, dict):
            file = work.state / f"apply-{number}.json"
            file.write_text(json.dumps(each))
        work.run(
            "kubectl", "--context", work.place.context, "apply", "--server-side", "-f", str(file)
        ).require()
