"""A faked second node: kwok reports every pod on it as running or succeeded.

Kubernetes' own controllers, scheduler and API server handle these pods like others; no process is started.
Only the faked node has GPUs, so exactly the services that request a GPU are scheduled there.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.stack.place import current_kubeconfig, kubectl, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tools.demo.workspace import Workspace

NODE = "fake"
_MARK = "kwok.x-k8s.io/node"
STAGES = (
    *("pod-ready.yaml", "pod-complete.yaml", "pod-delete.yaml"),
    *("node-initialize.yaml", "node-heartbeat-with-lease.yaml"),
)
"""Kwok's own rules for pods and nodes."""
_PODS = "10.200.0.1/16"
_ROOM = {"cpu": "10k", "memory": "100Ti", "pods": "100k", "nvidia.com/gpu": "100k"}


@contextmanager
def running(work: Workspace, programs: Mapping[str, Path]) -> Iterator[None]:
    """Run the faked node until the block ends."""
    log = work.state / "kwok.log"
    command = [
        str(programs["kwok"]),
        *(f"--config={programs[stage]}" for stage in STAGES),
        f"--kubeconfig={current_kubeconfig(work)}",
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={_MARK}={NODE}",
        f"--cidr={_PODS}",
        "--node-ip=10.200.0.1",
        "--node-lease-duration-seconds=40",
    ]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            # Created, not applied: `apply` would remove the node's status.
            kubectl(work, "create", f"--filename={written(work, _node())}")
            kubectl(work, "wait", f"node/{NODE}", "--for=condition=Ready", "--timeout=60s")
            yield
        finally:
            process.terminate()


def _node() -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "annotations": {_MARK: NODE},
            "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"},
        },
        # Pods that can run on the real node are scheduled there.
        "spec": {"taints": [{"key": _MARK, "value": NODE, "effect": "PreferNoSchedule"}]},
        "status": {"allocatable": _ROOM, "capacity": _ROOM, "phase": "Running"},
    }
