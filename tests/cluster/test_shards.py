"""A version that is larger than a pod: one URL, models in three Deployments, on the node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from bluegrid_registry.shards import Shard
from tests.cluster.trouble import SOON, setting
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

RATE = 60
COUNT = 3
SHARDS = [f"{SERVICE}-d2-{index}" for index in range(COUNT)]


@pytest.fixture(scope="module")
def sharded(local: Local) -> Iterator[Workspace]:
    """v1 is live on d1, v2 stands by on d2 with three shards of one pod."""
    work = local.workspace("shards", host="shards.test")
    steps.declare_set(work, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(work, local.prepared.models / version, version)
    steps.declare_service(work)
    more = ("--shards", f"{COUNT}", "--cpu", "500m", "--memory", "512Mi")
    work.bluegrid("cluster", "add", SERVICE, "d2", "--version", "v2", *more).require()
    steps.up(work).require()
    yield work
    work.pulumi("destroy", "--yes", "--skip-preview", "--run-program").require()


@pytest.fixture
def load(local: Local, sharded: Workspace) -> Iterator[Load]:
    """Requests to every model, one after the other."""
    requests, report = local.prepared.models / "requests.json", local.state / "shards.json"
    address = sharded.place.route_url
    with Load.start(address, SERVICE, requests, report, rate=RATE, host=sharded.host) as load:
        yield load


def kubectl(work: Workspace, *arguments: str) -> Ran:
    return work.run("kubectl", "--context", work.place.context, "--namespace", work.namespace, *arguments)


def client_of(work: Workspace) -> httpx.Client:
    url = f"{work.place.route_url}/modelService/{SERVICE}/v2"
    return httpx.Client(base_url=url, headers={"Host": work.host or ""}, timeout=30)


def live(work: Workspace) -> str:
    path = "jsonpath={.spec.rules[0].http.paths[0].backend.service.name}"
    return kubectl(work, "get", "ingress", SERVICE, "--output", path).require().output.strip()


def batch(work: Workspace, local: Local) -> list[Any]:
    """Ask all models in one request; return the responses."""
    rows = json.loads((local.prepared.models / "requests.json").read_text())["inputs"]
    items = [
        {
            "model_name": uid,
            "inputs": [
                {"name": "x", "shape": [len(given), len(given[0])], "datatype": "FP64", "data": given}
            ],
        }
        for uid, given in rows.items()
    ]
    with client_of(work) as client:
        answer = client.post("/models:batchInfer", json={"requests": items}).raise_for_status()
        responses: list[Any] = answer.json()["responses"]
    assert [each["model_name"] for each in responses] == [each["model_name"] for each in items]
    return responses


def test_a_switch_to_shards_and_back_fails_no_request(sharded: Workspace, local: Local, load: Load) -> None:
    there = steps.switch(sharded, "d2")
    assert [(each.name, *each.paths) for each in there.changes if each.op == "update"] == [
        (SERVICE, "spec.rules[0].http.paths[0].backend.service.name")
    ]
    assert not [each for each in batch(sharded, local) if "error" in each]
    with client_of(sharded) as client:
        uids = client.get("/models").raise_for_status().json()["models"]
        assert len(uids) == len(client.post("/repository/index").raise_for_status().json())
    # Each pod has its part of the models, and no other.
    counts = [sum(Shard(index, COUNT).holds(uid) for uid in uids) for index in range(COUNT)]
    assert sum(counts) == len(uids)
    steps.switch(sharded, "d1")
    seen = load.stop()
    assert seen.failed_total == 0, seen.failures
    assert set(seen.by_version) == {"v1", "v2"}


def test_a_cluster_with_a_lost_shard_is_not_switched_to(sharded: Workspace, load: Load) -> None:
    kubectl(sharded, "scale", "deployment", SHARDS[1], "--replicas=0").require()
    gone = f"--selector=app={SERVICE}-d2,bluegrid.io/shard=1-of-{COUNT}"
    kubectl(sharded, "wait", "--for=delete", "pod", gone).require()
    with setting(sharded, "readyTimeout", SOON):
        refused = sharded.bluegrid("switch", SERVICE, "d2", "--up", "--yes")
    assert refused.exit_code != 0
    assert "cluster d2, version v2, did not answer" in refused.output
    assert live(sharded) == f"{SERVICE}-d1"
    steps.edit_live(sharded, "d1")
    kubectl(sharded, "scale", "deployment", SHARDS[1], "--replicas=1").require()
    kubectl(sharded, "rollout", "status", f"deployment/{SHARDS[1]}", "--timeout=60s").require()
    seen = load.stop()
    assert seen.failed_total == 0, seen.failures


def test_a_number_of_shards_is_not_changed_in_place(sharded: Workspace, load: Load) -> None:
    file = sharded.registry / "g1.yaml"
    before = file.read_text()
    file.write_text(before.replace(f"shards: {COUNT}", "shards: 2"))
    refused = steps.up(sharded)
    file.write_text(before)
    assert refused.exit_code != 0
    assert "cluster d2 has 3 shards, and the registry says 2" in refused.output
    assert load.stop().failed_total == 0
    assert not [each for each in steps.preview(sharded) if each.op != "same"]


def addresses(work: Workspace) -> list[str]:
    """Return the IPs of the shards' Services."""
    path = "jsonpath={.items[*].spec.clusterIP}"
    return kubectl(work, "get", "service", *SHARDS, "--output", path).require().output.split()


def peers(work: Workspace, shard: str) -> list[str]:
    """Return the IPs of shards that the pods of a shard have."""
    path = "jsonpath={.spec.template.spec.containers[0].env[?(@.name=='BLUEGRID_PEERS')].value}"
    urls = json.loads(kubectl(work, "get", "deployment", shard, "--output", path).require().output)
    return [httpx.URL(url).host for url in urls]


def test_a_service_of_a_shard_that_was_made_again_is_found_by_a_refresh(
    sharded: Workspace, local: Local, load: Load
) -> None:
    service = json.loads(kubectl(sharded, "get", "service", SHARDS[1], "--output=json").require().output)
    before = addresses(sharded)
    del service["spec"]["clusterIP"], service["spec"]["clusterIPs"]
    service["metadata"] = {key: service["metadata"][key] for key in ("name", "labels", "annotations")}
    file = sharded.state / "service.json"
    file.write_text(json.dumps(service))
    kubectl(sharded, "delete", "service", SHARDS[1]).require()
    kubectl(sharded, "create", "--filename", str(file)).require()
    now = addresses(sharded)
    assert now != before
    assert peers(sharded, SHARDS[0]) == before
    # Neither a preview nor the pods' own probes see it; the proof before the switch does.
    assert not [each for each in steps.preview(sharded) if each.op != "same"]
    with setting(sharded, "readyTimeout", SOON):
        refused = sharded.bluegrid("switch", SERVICE, "d2", "--up", "--yes")
    assert refused.exit_code != 0
    assert live(sharded) == f"{SERVICE}-d1"
    steps.edit_live(sharded, "d1")

    sharded.pulumi("up", "--refresh", "--yes", "--skip-preview").require()

    assert [peers(sharded, each) for each in SHARDS] == [now] * COUNT
    steps.switch(sharded, "d2")
    assert not [each for each in batch(sharded, local) if "error" in each]
    steps.switch(sharded, "d1")
    assert load.stop().failed_total == 0
