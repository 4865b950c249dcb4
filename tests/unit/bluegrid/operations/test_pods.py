"""The state of a pod, and the reason for it."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.operations.pods import in_words, pod_status
from tests.support.kubernetes_objects import NOW, container, pod, running

UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: 3 Insufficient memory."}
ENDED = {"exitCode": 3, "reason": "Error", "message": "set g1 version v4: model line-17: SHA-256 differs\n"}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
PULL = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "server:9"'}


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        ({"phase": "Pending", "conditions": [UNSCHEDULED]}, "Pending", "0/3 nodes: 3 Insufficient memory."),
        (
            {"phase": "Pending", "containerStatuses": [container(waiting={"reason": "ContainerCreating"})]},
            "ContainerCreating",
            None,
        ),
        (
            {"containerStatuses": [container(ready=False, restarts=4, last=ENDED, waiting=BACK_OFF)]},
            "CrashLoopBackOff",
            "set g1 version v4: model line-17: SHA-256 differs",
        ),
        (
            {"phase": "Pending", "containerStatuses": [container(ready=False, waiting=PULL)]},
            "ImagePullBackOff",
            'Back-off pulling image "server:9"',
        ),
        (
            {
                "containerStatuses": [
                    container(ready=False, restarts=1, last={"exitCode": 137, "reason": "OOMKilled"})
                ]
            },
            "Running",
            "OOMKilled: it took more than its memory limit; see `bluegrid cluster resize`",
        ),
        (
            {"containerStatuses": [container(ready=False, last={"exitCode": 139, "reason": "Error"})]},
            "Running",
            "ended with exit code 139: Error",
        ),
        ({"containerStatuses": [container(restarts=1, last=ENDED)]}, "Running", None),
        (
            {"phase": "Failed", "containerStatuses": [container(ready=False, terminated=ENDED)]},
            "Failed",
            "set g1 version v4: model line-17: SHA-256 differs",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            "Failed",
            "The node was low on resource: memory.",
        ),
        (
            {
                "phase": "Succeeded",
                "containerStatuses": [
                    container(ready=False, terminated={"exitCode": 0, "reason": "Completed"})
                ],
            },
            "Succeeded",
            None,
        ),
        ({"phase": "Unknown"}, "Unknown", None),
    ],
)
def test_a_pods_state_is_told_with_its_reason(status: dict[str, Any], state: str, why: str | None) -> None:
    found = pod_status(pod("p", **status), NOW)
    assert (found.state, found.why) == (state, why)


def test_a_pod_that_goes_is_terminating_whatever_its_container_does() -> None:
    going = pod("p", containerStatuses=[container(ready=False, terminated=ENDED)])
    going["metadata"]["deletionTimestamp"] = "2026-11-25T08:04:00Z"
    found = pod_status(going, NOW)
    assert (found.state, found.why) == ("Terminating", None)


def test_readiness_restarts_and_age_are_told() -> None:
    found = pod_status(running("p"), NOW)
    assert (found.ready, found.restarts, found.age_seconds) == (True, 0, 300)


def test_pods_are_summed_up_by_state() -> None:
    pods = [pod_status(each, NOW) for each in (running("a"), pod("b", phase="Pending"), running("c"))]
    assert in_words(pods) == "1 Pending, 2 Running"
    assert in_words([]) == "no pods"
