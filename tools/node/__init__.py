"""A Kubernetes node on this machine, in namespaces of its own: nothing of it is left when it is down.

    node.py         up, down, status, load_image
    identity.py     names and addresses, derived from where the state is
    plan.py, layout.py, state.py    what is decided, where it is kept, what other processes read
    programs.py     what a node is made of, and what to install
    access.py       certificates, tokens, accounts
    configs.py, pause.py            what components start from
    kubernetes.py, routing.py, storage.py    the components' commands
    supervisor.py   process 1 of the node; inside.py: what it does first; component.py: what it runs
    machine.py, cgroups.py          the machine's side

It deliberately knows nothing of models, nor of how the programs are obtained: that is `tools/toolchain`.
"""

from __future__ import annotations

from tools.node.access import S3Account
from tools.node.errors import NodeError
from tools.node.node import Node
from tools.node.status import NodeStatus

__all__ = ["Node", "NodeError", "NodeStatus", "S3Account"]
