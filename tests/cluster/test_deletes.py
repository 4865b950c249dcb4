"""A cluster is deleted only once the proxy is seen sending its requests elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.demo import steps

if TYPE_CHECKING:
    from tools.demo.scenario import Results
    from tools.demo.workspace import Workspace

NOBODY = "http://127.0.0.1:1"


def clusters(work: Workspace) -> dict[str, str]:
    rows = work.bluegrid("status", "--json").require().json()
    return {row["cluster"]: row["state"] for row in rows}


def test_an_update_that_cannot_ask_the_proxy_deletes_nothing_and_the_next_one_does(
    work: Workspace, results: Results
) -> None:
    assert results.last.version == "v4"
    steps.add_cluster(work, "d5", "v1")
    steps.up(work).require()
    steps.remove_cluster(work, "d5")
    work.pulumi("config", "set", "bluegrid:routeAddress", NOBODY).require()
    refused = steps.up(work)
    assert refused.exit_code != 0
    assert (
        "service line-loading: cluster d5 was not seen to be out of use 20 times in a row" in refused.output
    )
    assert "nothing old was deleted" in refused.output
    assert clusters(work)["d5"] == "1 Running"
    work.pulumi("config", "set", "bluegrid:routeAddress", work.place.route_url).require()
    steps.up(work).require()
    assert "d5" not in clusters(work)


def test_a_service_that_is_taken_out_goes_with_all_it_has_and_comes_back(
    work: Workspace, results: Results
) -> None:
    assert results.last.version == "v4"
    file = work.registry / "g1.yaml"
    whole = file.read_text()
    file.write_text(whole[: whole.index("service:")])
    try:
        refused = steps.up(work)
        assert refused.exit_code != 0
        assert "line-loading is live and would be deleted" in refused.output
        work.run(
            "env", "BLUEGRID_ALLOW_DELETE=line-loading", *work.pulumi_command("up", "--yes", "--skip-preview")
        ).require()
        kinds = "deployments,replicasets,pods,services,ingresses,jobs"
        kubectl = ("kubectl", "--context", work.place.context, "--namespace", work.namespace)
        assert work.run(*kubectl, "get", kinds, "--output=name").require().output == ""
    finally:
        file.write_text(whole)
        steps.up(work).require()
    assert set(clusters(work)) == {"d2", "d3", "d4"}
