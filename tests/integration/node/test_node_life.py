"""The life of a node: up, down, restarts and kills, and the state that survives each."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.node.client import Kubectl, deployment, namespace, until
from tests.integration.node.traces import inhabitants, processes, traces
from tools.node import NodeError
from tools.node.machine import supervisors
from tools.node.state import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.node import Node


def run_a_pod(node: Node, programs: Mapping[str, Path]) -> None:
    kubectl = Kubectl(programs["kubectl"], node)
    kubectl.apply(namespace("room"), deployment("room"))
    kubectl("rollout", "status", "deployment/room", "--namespace=room", "--timeout=90s")


def pod_ran_again(node: Node, programs: Mapping[str, Path]) -> bool:
    """Return whether the pod's container was started again and is ready; it was ready before, too."""
    pods = Kubectl(programs["kubectl"], node).get("pods", "--namespace=room")["items"]
    containers = [container for pod in pods for container in pod["status"]["containerStatuses"]]
    return bool(containers) and all(each["ready"] and each["restartCount"] == 1 for each in containers)


def test_a_node_leaves_nothing_behind(own_node: Node, programs: Mapping[str, Path]) -> None:
    own_node.up(built=programs)
    run_a_pod(own_node, programs)
    lived = inhabitants(own_node)
    assert len(lived) > 10

    own_node.down()

    assert traces(own_node) == []
    assert lived.isdisjoint(processes())


def test_a_killed_node_comes_up_again_with_what_it_had(own_node: Node, programs: Mapping[str, Path]) -> None:
    own_node.up(built=programs)
    run_a_pod(own_node, programs)
    lived = inhabitants(own_node)
    for pid in supervisors(own_node.state):
        os.kill(pid, signal.SIGKILL)
    until(lambda: lived.isdisjoint(processes()))
    assert own_node.status().phase is Phase.DOWN

    own_node.up(built=programs)

    until(lambda: pod_ran_again(own_node, programs))


def test_a_killed_node_is_cleared_away(own_node: Node, programs: Mapping[str, Path]) -> None:
    own_node.up(built=programs)
    for pid in supervisors(own_node.state):
        os.kill(pid, signal.SIGKILL)

    own_node.down(purge=True)

    assert traces(own_node) == []
    assert not own_node.state.exists()


def test_a_node_that_cannot_start_says_why_and_leaves_nothing(
    own_node: Node, programs: Mapping[str, Path]
) -> None:
    with pytest.raises(NodeError, match="etcd ended"):
        own_node.up(built={**programs, "etcd": programs["pause"].with_name("contour")})

    assert traces(own_node) == []


def test_down_on_a_node_that_never_was_is_a_success(own_node: Node) -> None:
    own_node.down()

    assert own_node.status().phase is Phase.DOWN
