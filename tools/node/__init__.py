"""A Kubernetes node on this machine, in namespaces of its own: when it is down, nothing of it is left.

    node.py         up, down, status, load_image
    identity.py     names and addresses, derived from the path of the state folder
    plan.py, layout.py, state.py    decisions of a start, paths, state for other processes
    programs.py     the programs of a node, and what to install
    access.py       certificates, tokens, accounts
    configs.py, pause.py            configuration files and the pause image
    kubernetes.py, routing.py, storage.py    the components' commands
    supervisor.py   process 1 of the node; inside.py: its first steps; component.py: the processes it runs
    machine.py, cgroups.py          the machine's side

This package deliberately knows nothing of models; `tools/toolchain` obtains the programs.
"""

from __future__ import annotations

from tools.node.access import S3Account
from tools.node.errors import NodeError
from tools.node.node import Node
from tools.node.status import NodeStatus

__all__ = ["Node", "NodeError", "NodeStatus", "S3Account"]
