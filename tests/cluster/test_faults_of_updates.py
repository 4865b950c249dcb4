"""An update that is disturbed: no request fails, and the next update completes it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.cluster.trouble import SOON, at_length, kill, read_until, setting
from tests.support.endurance import scale

if TYPE_CHECKING:
    from typing import Any

    from tests.cluster.trouble import Stack

# Output of an update that adds d3, switches to it and removes d1, in order. A run that prints a line has
# completed all steps before it, on the state that the killed runs before it have left.
MOMENTS = (
    "Updating (",
    "Job line-loading-d3-preflight creating",
    "Job line-loading-d3-preflight created",
    "Deployment line-loading-d3 creating",
    "Deployment line-loading-d3 created",
    "Service line-loading-d3 created",
    "Ingress line-loading-d3 created",
    "Ingress line-loading updating",
    "Ingress line-loading updated",
    "Ingress line-loading-d1 deleting",
    "Ingress line-loading-d1 deleted",
    "Service line-loading-d1 deleted",
    "Deployment line-loading-d1 deleting",
    "Deployment line-loading-d1 deleted",
    "Job line-loading-d1-preflight deleted",
)
BOUNDED = (
    "Deployment line-loading-d3 creating",
    "Ingress line-loading updating",
    "Ingress line-loading-d1 deleted",
)


def replace_d1(stack: Stack) -> None:
    """Edit the registry: v3 is live on d3, and d1 is removed."""
    stack.add("d3", "v3")
    stack.work.bluegrid("switch", "line-loading", "d3").require()
    stack.work.bluegrid("cluster", "remove", "line-loading", "d1").require()


def row(service: dict[str, Any], cluster: str) -> dict[str, Any]:
    """Return a cluster's row in the registry file."""
    found: dict[str, Any] = next(each for each in service["clusters"] if each["id"] == cluster)
    return found


def replicas(stack: Stack, cluster: str) -> int:
    (found,) = (
        each for each in stack.rows() if (each["service"], each["cluster"]) == ("line-loading", cluster)
    )
    return int(found["replicas"])


def test_an_update_that_is_killed_at_any_step_is_ended_by_the_next(stack: Stack) -> None:
    replace_d1(stack)
    moments = MOMENTS[: scale(0, len(MOMENTS))] or BOUNDED
    for number, moment in enumerate(moments):
        up = stack.start_up()
        read_until(up, moment)
        # In turn: the whole process group, and `pulumi` alone, whose children notice by themselves.
        kill(up, alone=number % 2 == 1)
        locked = stack.up()
        assert locked.exit_code != 0
        assert "the stack is currently locked" in locked.output
        stack.cancel()
    stack.up().require()
    assert stack.live() == "d3"
    assert stack.clusters() == {"d2", "d3"}


@at_length
def test_of_two_updates_at_once_one_is_refused_and_the_other_ends_well(stack: Stack) -> None:
    replace_d1(stack)
    first = stack.start_up()
    read_until(first, "Job line-loading-d3-preflight creating")
    second = stack.up()
    assert second.exit_code != 0
    assert "the stack is currently locked" in second.output
    first.communicate()
    assert first.returncode == 0
    assert stack.live() == "d3"


@at_length
def test_the_store_is_needed_by_a_new_cluster_only(stack: Stack) -> None:
    stack.add("d3", "v3")
    with stack.gone("versitygw"):
        refused = stack.up()
        assert refused.exit_code != 0
        assert "no answer: Could not connect" in refused.output
        assert "sets/g1/versions/v3.json" in refused.output
        stack.switch("d2").require()
    assert stack.live() == "d2"


@at_length
def test_an_api_server_that_is_gone_in_mid_update_fails_that_update_at_most(stack: Stack) -> None:
    replace_d1(stack)
    up = stack.start_up()
    read_until(up, "Job line-loading-d3-preflight creating")
    with stack.gone("kube-apiserver"):
        time.sleep(scale(10, 30))  # the duration of the fault
    up.communicate()
    stack.up().require()
    assert stack.live() == "d3"
    assert stack.clusters() == {"d2", "d3"}


@at_length
def test_an_ingress_controller_that_starts_again_in_mid_switch_is_waited_for(stack: Stack) -> None:
    replace_d1(stack)
    up = stack.start_up()
    read_until(up, "Ingress line-loading updating")
    stack.kill("contour")
    up.communicate()
    assert up.returncode == 0
    assert stack.live() == "d3"


def test_a_renamed_cluster_is_a_new_one_that_is_proven_before_the_old_one_goes(stack: Stack) -> None:
    def rename(service: dict[str, Any]) -> None:
        row(service, "d1")["id"] = service["live"] = "d9"

    stack.edit(rename)
    stack.up().require()
    assert stack.live() == "d9"
    assert stack.clusters() == {"d9", "d2"}


def test_changes_by_hand_stay_until_refresh_takes_them_back_or_the_registry_changes_them(
    stack: Stack,
) -> None:
    stack.kubectl_edit("ingress", "line-loading", "s/line-loading-d1/line-loading-d2/")
    stack.kubectl("scale", "deployment", "line-loading-d2", "--replicas=3").require()
    stack.up("--expect-no-changes").require()
    assert stack.live() == "d2"

    def two_pods(service: dict[str, Any]) -> None:
        row(service, "d2")["replicas"] = 2

    stack.edit(two_pods)
    stack.up().require()
    assert replicas(stack, "d2") == 2
    assert stack.live() == "d2"
    stack.kubectl("scale", "deployment", "line-loading-d2", "--replicas=3").require()
    stack.up("--refresh").require()
    assert replicas(stack, "d2") == 2
    assert stack.live() == "d1"


def test_a_switch_to_a_standby_whose_pods_have_died_is_refused(stack: Stack) -> None:
    stack.kubectl("scale", "deployment", "line-loading-d2", "--replicas=0").require()
    with setting(stack.work, "readyTimeout", SOON):
        refused = stack.switch("d2")
    assert refused.exit_code != 0
    assert "service line-loading: cluster d2, version v2, did not answer" in refused.output
    assert "the live route is as it was" in refused.output
    assert "the update has failed: d1 is live as before, and " in refused.output
    assert "live: d1" in (stack.work.registry / "g1.yaml").read_text()
    assert stack.live() == "d1"
    stack.kubectl("scale", "deployment", "line-loading-d2", "--replicas=1").require()


@at_length
def test_a_switch_to_a_cluster_that_is_declared_and_not_yet_online_is_refused(stack: Stack) -> None:
    stack.add("d3", "v3")
    refused = stack.switch("d3")
    assert refused.exit_code != 0
    assert "line-loading-d3" in refused.output
    # The registry says d1 again: the next whole update starts d3, and switches nothing.
    stack.up().require()
    assert stack.live() == "d1"
    stack.switch("d3").require()
    assert stack.live() == "d3"


@at_length
def test_continue_on_error_does_not_remove_what_is_live(stack: Stack) -> None:
    stack.add("d3", "v3", "--memory", "40Mi")
    stack.work.bluegrid("switch", "line-loading", "d3").require()
    stack.work.bluegrid("cluster", "remove", "line-loading", "d1").require()
    refused = stack.up("--continue-on-error")
    assert refused.exit_code != 0
    assert stack.live() == "d1"
