"""Behind a Gateway: switches without failed requests, shared traffic, and models named by paths."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace
    from tools.load.report import LoadReport

RATE = 60
SHARED_ANSWERS = 1500
PATH_UID = "mv_feeder/OS Edam"


@dataclass(frozen=True)
class Results:
    """Observations under a continuous load.

    Attributes:
        moved: the load's figures until Ingresses were HTTPRoutes.
        switched: the switch from d1 to d2.
        promoted: the results of `bluegrid promote` to d1 and back to d2.
        refused: the refusal of `promote` while two clusters shared the requests.
        shared: answers of each cluster while d3 had 90 % of the requests and d2 10 %.
        live: the output of `bluegrid status` meanwhile.
        comment: the report on a pull request that ends the sharing.
        named: the models that answered for the UID with a slash, by the path of the request.
        load: the figures of all requests.
    """

    moved: LoadReport
    switched: steps.Switched
    promoted: list[dict[str, str]]
    refused: Ran
    shared: Counter[str]
    live: dict[str, bool]
    comment: str
    named: dict[str, str]
    load: LoadReport


@pytest.fixture(scope="module")
def observed(local: Local, online: Callable[[str], Workspace]) -> Results:
    work = online("gateway")
    steps.push(work, _with_a_path(local.prepared.models / "v3", work.state / "v3"), "v3", base="v2")
    requests, report = local.prepared.models / "requests.json", local.state / "gateway.json"
    with Load.start(work.place.route_url, SERVICE, requests, report, RATE, host=work.host) as load:
        work.pulumi("config", "rm", "bluegrid:ingressClass").require()
        work.pulumi("config", "set", "bluegrid:gateway", local.node.gateway).require()
        steps.up(work).require()
        moved = load.figures()
        switched = steps.switch(work, "d2")
        promoted = [
            row
            for cluster in ("d1", "d2")
            for row in _promote(work, cluster, "--bake", "4s", "--json").require().json()["regions"]
        ]
        # In one update: d3 starts, gets all but a tenth of the requests, and d1 goes.
        steps.add_cluster(work, "d3", "v3")
        steps.edit_live(work, "d3")
        work.bluegrid("service", "traffic", SERVICE, "d3=9", "d2=1").require()
        steps.remove_cluster(work, "d1")
        steps.up(work).require()
        before = load.figures()
        live = {row["cluster"]: row["live"] for row in work.bluegrid("status", "--json").require().json()}
        refused = _promote(work, "d2")
        after = load.wait_until(lambda now: now.ok - before.ok >= SHARED_ANSWERS, seconds=60)
        # In one update: the share of a tenth ends, and its cluster is removed.
        steps.edit_live(work, "d3")
        steps.remove_cluster(work, "d2")
        comment = _comment(work)
        steps.up(work).require()
        last = load.figures()
        load.wait_until(lambda now: now.ok - last.ok >= RATE, seconds=60)
        named = {path: _answering(work, path) for path in ("mv_feeder%2FOS%20Edam", "mv_feeder/OS%20Edam")}
        result = load.stop()
    work.pulumi("destroy", "--yes", "--skip-preview", "--run-program").require()
    shared = after.by_cluster - before.by_cluster
    return Results(moved, switched, promoted, refused, shared, live, comment, named, result)


def _promote(work: Workspace, cluster: str, *options: str) -> Ran:
    regions = ("--regions", work.stack, "--stacks", str(work.state))
    return work.bluegrid("promote", SERVICE, cluster, *regions, *options)


def _with_a_path(models: Path, folder: Path) -> Path:
    """Copy a folder of models; one of them is also that of a device named by its path."""
    shutil.copytree(models, folder)
    (folder / PATH_UID).parent.mkdir()
    shutil.copy(min(folder.glob("*.skops")), folder / f"{PATH_UID}.skops")
    return folder


def _answering(work: Workspace, path: str) -> str:
    """Return the name of the model that answers at a path."""
    base = f"{work.place.route_url}/modelService/{SERVICE}/v2/models/{path}"
    with httpx.Client(headers={"Host": work.host} if work.host else {}) as client:
        (spec,) = client.get(base).raise_for_status().json()["inputs"]
        row = [0.0] * spec["shape"][1]
        tensor = {"name": spec["name"], "datatype": spec["datatype"], "shape": [1, len(row)], "data": row}
        answer = client.post(f"{base}/infer", json={"inputs": [tensor]})
    return str(answer.raise_for_status().json()["model_name"])


def _comment(work: Workspace) -> str:
    preview = work.state / "preview.json"
    preview.write_text(work.pulumi("preview", "--json", "--show-sames").require().output)
    return work.bluegrid("preview", "report", str(preview)).require().output


def test_no_request_fails_whatever_becomes_of_the_routes_and_the_clusters(observed: Results) -> None:
    assert observed.load.failures == ()
    assert observed.load.failed_total == 0
    assert {*observed.load.by_version} == {"v1", "v2", "v3"}


def test_ingresses_become_http_routes_of_the_same_proxy_without_a_failure(observed: Results) -> None:
    assert observed.moved.failed_total == 0
    assert {*observed.moved.by_version} == {"v1"}


def test_a_switch_is_one_update_of_one_route(observed: Results) -> None:
    (change,) = observed.switched.changes
    assert (change.op, change.name) == ("update", SERVICE)
    assert change.kind == "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
    assert change.paths == ("spec.rules[0].backendRefs[0].name",)


def test_a_cluster_is_promoted_and_watched_as_behind_an_ingress(observed: Results) -> None:
    assert [(row["stage"], row["live"]) for row in observed.promoted] == [("live", "d1"), ("live", "d2")]
    assert all(int(row["requests"]) > 0 for row in observed.promoted)


def test_shared_traffic_is_ended_before_a_promotion(observed: Results) -> None:
    assert observed.refused.exit_code == 1
    assert "d3 and d2 share its requests; end that first: bluegrid switch" in observed.refused.output


def test_requests_are_shared_by_weight(observed: Results) -> None:
    total = sum(observed.shared.values())
    assert {*observed.shared} == {"d2", "d3"}
    # Five standard deviations: one run in two million exceeds this by chance.
    assert abs(observed.shared["d2"] / total - 0.1) < 5 * math.sqrt(0.1 * 0.9 / total)
    assert observed.live == {"d2": True, "d3": True}


def test_a_model_named_by_its_path_answers_through_the_proxy(observed: Results) -> None:
    assert observed.named == {"mv_feeder%2FOS%20Edam": PATH_UID, "mv_feeder/OS%20Edam": PATH_UID}


def test_a_pull_request_is_told_of_shares(observed: Results) -> None:
    assert "| **share** d3 (v3) 90 %, d2 (v2) 10 % → d3 (v3)<br>delete d2 (v2)" in observed.comment
    assert "d2 is removed in the update that switches away from it" in observed.comment
    assert ".standing.invalid" not in observed.comment
