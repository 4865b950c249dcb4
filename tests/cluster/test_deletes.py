"""A cluster is deleted only once the proxy is seen sending its requests elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.trouble import setting
from tools.demo import steps
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    from tests.cluster.trouble import Stack

NOBODY = "http://127.0.0.1:1"


def test_an_update_that_cannot_ask_the_proxy_deletes_nothing_and_the_next_one_does(
    two_services: Stack,
) -> None:
    stack, work = two_services, two_services.work
    stack.add("d5", "v4")
    stack.up().require()
    steps.remove_cluster(work, "d5")
    with setting(work, "routeAddress", NOBODY):
        refused = stack.up()
    assert refused.exit_code != 0
    assert (
        "service line-loading: cluster d5 was not seen to be out of use 20 times in a row" in refused.output
    )
    assert "nothing old was deleted" in refused.output
    assert stack.clusters() == {"d1", "d2", "d5"}
    stack.up().require()
    assert stack.clusters() == {"d1", "d2"}


def test_a_service_that_is_taken_out_goes_with_all_it_has_and_comes_back(two_services: Stack) -> None:
    stack, work = two_services, two_services.work
    kinds = "deployments,replicasets,pods,services,ingresses,jobs"
    objects = ("get", kinds, f"--selector=bluegrid.io/service={SERVICE}", "--output=name")
    before = stack.kubectl(*objects).require().output.splitlines()
    assert len({each.partition("/")[0] for each in before}) == len(kinds.split(","))
    file = work.registry / "g1.yaml"
    whole = file.read_text()
    file.write_text(whole[: whole.index("service:")])
    try:
        refused = stack.up()
        assert refused.exit_code != 0
        assert "line-loading is live and would be deleted" in refused.output
        work.run(
            "env", "BLUEGRID_ALLOW_DELETE=line-loading", *work.pulumi_command("up", "--yes", "--skip-preview")
        ).require()
        assert stack.kubectl(*objects).require().output == ""
    finally:
        file.write_text(whole)
        stack.up().require()
    assert stack.clusters() == {"d1", "d2"}
