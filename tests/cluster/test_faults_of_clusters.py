"""A new cluster that never becomes ready: `up` gives the reason, and no request fails or waits."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.cluster.trouble import OTHER_SERVICE, at_length, interrupt, read_until, setting, until

if TYPE_CHECKING:
    from tests.cluster.trouble import Stack
    from tools.demo.workspace import Ran


def refused(ran: Ran, *reasons: str) -> None:
    assert ran.exit_code != 0
    assert [reason for reason in reasons if reason not in ran.output] == []
    assert "Traceback" not in ran.output


def test_a_cluster_without_enough_memory_fails_at_once_and_holds_up_no_switch(stack: Stack) -> None:
    stack.add("d3", "v3", "--memory", "40Mi")
    refused(stack.up(), "line-loading-d3-preflight", "[OOMKilled]")
    assert stack.live() == "d1"
    assert "d3" not in stack.clusters()
    for service in ("line-loading", OTHER_SERVICE):
        for cluster in ("d2", "d1"):
            stack.switch(cluster, service).require()
            assert stack.live(service) == cluster


@at_length
def test_a_cluster_that_nothing_has_room_for_says_so_in_its_time(stack: Stack) -> None:
    stack.add("d3", "v3", "--cpu", "400")
    stack.add("d4", "v4", "--memory", "100Gi")
    quota = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "tight"}}
    file = stack.work.state / "quota.json"
    file.write_text(json.dumps(quota | {"spec": {"hard": {"limits.memory": "50Gi"}}}))
    stack.kubectl("apply", "--filename", str(file)).require()
    try:
        with setting(stack.work, "readyTimeout", "20"):
            refused(stack.up(), "Insufficient cpu", "exceeded quota: tight")
            assert stack.live() == "d1"
            stack.switch("d2").require()
            assert stack.live() == "d2"
    finally:
        stack.kubectl("delete", "resourcequota", "tight").require()


@at_length
def test_an_image_that_is_not_there_changes_no_pod_that_runs(stack: Stack) -> None:
    image = "localhost/nobody-has-built-this:1"
    with setting(stack.work, "image", image), setting(stack.work, "readyTimeout", "20"):
        refused(
            stack.up(),
            f'Back-off pulling image "{image}"',
            "; correct bluegrid:image or bluegrid:images, or the nodes'",
        )
        assert stack.live() == "d1"
        stack.switch("d2").require()
        assert stack.live() == "d2"


@at_length
def test_pods_that_crash_are_shown_and_waiting_for_them_can_be_ended(stack: Stack) -> None:
    good = (
        stack.kubectl("get", "secret", "bluegrid-store", "--output=jsonpath={.data}", "--v=0")
        .require()
        .json()
    )
    bad = {key: base64.b64encode(b"wrong").decode() for key in good}
    stack.add("d3", "v3")
    up = stack.start_up()
    try:
        # The Job has read the account when it runs; the later pods get another account.
        pod = ("get", "pods", "--selector=app=line-loading-d3-preflight", "--no-headers")
        until(lambda: " Running " in stack.kubectl(*pod).require().output)
        stack.kubectl("patch", "secret", "bluegrid-store", "--patch", json.dumps({"data": bad})).require()
        read_until(up, "line-loading-d3-", "CrashLoopBackOff")
        message = interrupt(up)
    finally:
        stack.kubectl("patch", "secret", "bluegrid-store", "--patch", json.dumps({"data": good})).require()
    assert up.returncode != 0
    assert "InvalidAccessKeyId" in message
    assert stack.live() == "d1"
    stack.switch("d2").require()
    assert stack.live() == "d2"
