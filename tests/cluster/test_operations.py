"""The operator's commands at night, on a service whose d1 is live and whose d2 stands by."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.terminal import on_terminal
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

WRONG = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def night(local: Local, online: Callable[[str], Workspace]) -> Workspace:
    """A service whose registry is in a git repository in which d2 was live before; and a version v4."""
    work = online("night")
    steps.push(work, local.prepared.models / "v4", "v4")
    file = work.registry / "g1.yaml"
    text = file.read_text()
    git(work, "init", "--quiet")
    for live, subject in (("d2", "d2 goes live"), ("d1", "back to d1")):
        file.write_text(text.replace("live: d1", f"live: {live}"))
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message", subject)
    return work


@pytest.fixture
def registry(night: Workspace) -> Iterator[Path]:
    """The registry's file, restored afterwards."""
    file = night.registry / "g1.yaml"
    before = file.read_text()
    yield file
    file.write_text(before)


@pytest.fixture(scope="module")
def requests(local: Local) -> Any:
    """Rows for every model, and the answers of the versions."""
    return json.loads((local.prepared.models / "requests.json").read_text())


def git(work: Workspace, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", work.registry, *who, *arguments], check=True)


def rows(work: Workspace, *options: str) -> dict[str, dict[str, Any]]:
    found = work.bluegrid("status", SERVICE, "--json", *options).require().json()
    return {row["cluster"]: row for row in found}


def predict(work: Workspace, model: str, instances: Any, *options: str) -> Ran:
    request = ("--model", model, "--instances", json.dumps(instances))
    return work.bluegrid("predict", SERVICE, *request, *options)


def kubectl(work: Workspace, *arguments: str) -> str:
    place = ("--context", work.place.context, "--namespace", work.namespace)
    return work.run("kubectl", *place, *arguments).require().output


def test_status_tells_models_and_traffic_of_every_cluster(local: Local, night: Workspace) -> None:
    requests, report = local.prepared.models / "requests.json", local.state / "night.json"
    with Load.start(night.place.route_url, SERVICE, requests, report, rate=50, host=night.host) as load:
        found = rows(night)
        load.stop()
    assert {row["models_loaded"] for row in found.values()} == {186}
    assert {row["models_expected"] for row in found.values()} == {186}
    assert {name: (row["live"], row["ready"]) for name, row in found.items()} == {
        "d1": (True, 2),
        "d2": (False, 1),
    }
    assert found["d1"]["requests_per_second"] > 5
    assert found["d1"]["p99_ms"] > 0
    assert found["d2"]["requests_per_second"] == 0
    assert [(row["errors_per_second"], row["drift"]) for row in found.values()] == [(0, []), (0, [])]
    assert {row["url"] for row in found.values()} == {url(night)}


def url(work: Workspace) -> str:
    return f"http://{work.host}/modelService/{SERVICE}"


def test_services_and_clusters_are_listed_with_the_url_that_answers(night: Workspace) -> None:
    (service,) = night.bluegrid("service", "list", "--stacks", str(night.state), "--json").require().json()
    assert (service["service"], service["live"], service["url"]) == (SERVICE, "d1", url(night))
    found = night.bluegrid("cluster", "list", SERVICE, "--json").require().json()
    assert [(row["cluster"], row["version"], row["live"]) for row in found] == [
        ("d1", "v1", True),
        ("d2", "v2", False),
    ]


def test_a_script_waits_for_a_standby_and_switches(night: Workspace, registry: Path) -> None:
    assert night.bluegrid("wait", SERVICE, "--timeout", "0").require().output.splitlines() == [
        "line-loading d1: live, version v1, 2/2 pods ready",
        "line-loading d2: standby, version v2, 1/1 pods ready",
    ]
    steps.add_cluster(night, "d4", "v4")
    late = night.bluegrid("wait", SERVICE, "d4", "--timeout", "1s")
    assert late.exit_code == 1
    assert late.output.splitlines()[-1] == (
        "error: line-loading d4: not ready after 1 s: does not run; `pulumi up` starts it"
    )
    with ThreadPoolExecutor() as threads:
        updated = threads.submit(steps.up, night)
        waited = night.bluegrid("wait", SERVICE, "d4", "--timeout", "5m").require().output.splitlines()
        updated.result().require()
    assert "does not run" in waited[0]
    assert waited[-1] == "line-loading d4: standby, version v4, 1/1 pods ready"
    away = night.bluegrid("wait", SERVICE, "d4", "--for", "live", "--timeout", "0")
    assert "error: line-loading d4: not live after 0 s: the URL leads to d1" in away.output
    night.bluegrid("switch", SERVICE, "d4", "--up", "--yes").require()
    night.bluegrid("wait", SERVICE, "d4", "--for", "live", "--timeout", "10s").require()
    night.bluegrid("switch", SERVICE, "d1", "--up", "--yes").require()
    night.bluegrid("cluster", "remove", SERVICE, "d4", "--up", "--yes").require()
    gone = night.bluegrid("wait", SERVICE, "d4", "--for", "delete", "--timeout", "1m").require()
    assert gone.output.splitlines()[-1] == "line-loading d4: deleted"


def test_a_key_that_is_set_reaches_the_pods(night: Workspace, registry: Path) -> None:
    edit = ("cluster", "set", SERVICE, "d2", "timeoutSeconds=9")
    previewed = night.bluegrid(*edit, "--dry-run").require().output
    assert "timeoutSeconds: 9" in previewed
    assert "deployment" in previewed.lower()
    night.bluegrid(*edit, "--up", "--yes").require()
    assert '"9"' in kubectl(night, "get", "deployment", "line-loading-d2", "--output", "json")
    night.bluegrid("wait", SERVICE, "d2", "--timeout", "1m").require()
    undone = ("cluster", "set", SERVICE, "d2", "timeoutSeconds-", "--up", "--yes")
    assert "timeoutSeconds 9 -> 4" in night.bluegrid(*undone).require().output


def test_status_knows_how_large_a_stack_wants_its_clusters(night: Workspace) -> None:
    night.pulumi("config", "set", "bluegrid:sizeFactor", "1.5").require()
    try:
        found = rows(night, "--stacks", str(night.state))
    finally:
        night.pulumi("config", "rm", "bluegrid:sizeFactor").require()
    assert {name: row["drift"] for name, row in found.items()} == {
        "d1": ["YAML says 3 replicas, Kubernetes 2 replicas"],
        "d2": ["YAML says 2 replicas, Kubernetes 1 replica"],
    }
    assert not any(row["drift"] for row in rows(night, "--stacks", str(night.state)).values())


def test_status_tells_where_yaml_and_the_cluster_disagree(night: Workspace, registry: Path) -> None:
    steps.edit_live(night, "d2")
    night.bluegrid("cluster", "scale", SERVICE, "d1", "3").require()
    steps.add_cluster(night, "d4", "v4")
    found = rows(night)
    assert {name: row["drift"] for name, row in found.items()} == {
        "d1": ["YAML says 3 replicas, Kubernetes 2 replicas"],
        "d2": ["YAML says d2 is live, the live route says d1"],
        "d4": ["YAML declares it, but it does not run"],
    }
    assert found["d4"]["state"] == "absent"
    remedy = "not applied yet: `pulumi up`"
    assert all(row["drift"][0].endswith(remedy) for row in rows(night, "--stack-state").values())


def test_an_account_that_may_not_ask_pods_is_told_the_rest(night: Workspace, tmp_path: Path) -> None:
    kinds = "--resource=pods,deployments.apps,ingresses.networking.k8s.io"
    account = f"--serviceaccount={night.namespace}:viewer"
    kubectl(night, "create", "serviceaccount", "viewer")
    kubectl(night, "create", "role", "viewer", "--verb=get,list", kinds)
    kubectl(night, "create", "rolebinding", "viewer", "--role=viewer", account)
    config = tmp_path / "kubeconfig"
    shutil.copy(night.place.kubeconfig, config)
    edit = ("kubectl", "--kubeconfig", str(config), "config")
    token = kubectl(night, "create", "token", "viewer").strip()
    night.run(*edit, "set-credentials", "viewer", f"--token={token}").require()
    night.run(*edit, "set-context", night.place.context, "--user=viewer").require()
    seen = night.run("bluegrid", "status", "--kubeconfig", str(config)).require().output
    assert "2 Running  -" in seen
    assert 'cannot get resource "pods/proxy"' in seen
    checked = night.run("bluegrid", "doctor", "--kubeconfig", str(config))
    assert checked.exit_code == 1
    assert (
        "FAULT rights to look: may not get pods/log, get pods/proxy, create pods/proxy, "
        "list horizontalpodautoscalers, list httproutes in" in checked.output
    )


def test_any_cluster_is_asked_without_being_exposed(night: Workspace, requests: Any) -> None:
    instances = requests["inputs"]["line-0"]
    for options, version in (((), "v1"), (("--cluster", "d2"), "v2")):
        answer = predict(night, "line-0", instances, *options, "--json").require().json()
        assert answer["version"] == version
        assert answer["predictions"] == pytest.approx(requests["answers"][version]["line-0"], rel=1e-6)
    refused = predict(night, "line-nowhere", instances, "--cluster", "d2")
    assert refused.exit_code == 1
    assert refused.output.startswith("error: line-loading d2 (version v2): ")
    nobody = predict(night, "line-0", instances, "--cluster", "d9")
    assert "has no cluster d9 in namespace bluegrid-night of" in nobody.output


def test_two_clusters_are_held_side_by_side(night: Workspace, requests: Any, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    some = [*requests["inputs"].items()][:40]
    file.write_text("".join(json.dumps({"model": uid, "instances": each}) + "\n" for uid, each in some))
    command = ("compare", SERVICE, "d1", "d2", "--requests", str(file))
    found = night.bluegrid(*command, "--json")
    assert found.exit_code == 1
    answers = [requests["answers"][version] for version in ("v1", "v2")]
    pairs = [pair for uid, _ in some for pair in zip(*(each[uid] for each in answers), strict=True)]
    largest = max(abs(one - other) for one, other in pairs)
    report = found.json()
    assert report["requests"] == 40
    assert report["largest"] == pytest.approx(largest, rel=1e-6)
    assert set(report["latency"]) == {"d1", "d2"}
    agreed = night.bluegrid(*command, "--atol", str(2 * largest)).require()
    assert "40 of 40 requests agree" in agreed.output


def test_logs_of_all_pods_are_told_apart(night: Workspace) -> None:
    lines = night.bluegrid("logs", SERVICE, "d1").require().output.splitlines()
    pods = {line.split(" | ")[0] for line in lines}
    assert all(pod.startswith("line-loading-d1-") for pod in pods)
    assert len([pod for pod in pods if "-preflight-" not in pod]) == 2
    assert len(pods) == 3


def test_a_rollback_is_previewed_done_within_15_seconds_and_goes_back_again(
    night: Workspace, registry: Path
) -> None:
    previewed = night.bluegrid("rollback", SERVICE, "--dry-run").require().output
    assert '"line-loading-d1" => "line-loading-d2"' in previewed
    assert "~ 1 to update" in previewed
    assert "live: d1" in registry.read_text()
    done = night.bluegrid("rollback", SERVICE, "--up", "--yes").require()
    assert done.seconds < 15
    assert "d2 was live until" in done.output
    found = rows(night)
    assert (found["d2"]["live"], found["d2"]["drift"], found["d1"]["live"]) == (True, [], False)
    night.bluegrid("rollback", SERVICE, "--up", "--yes").require()
    assert rows(night)["d1"]["live"]
    newest, *_ = night.bluegrid("history", SERVICE, "--json").require().json()
    assert (newest["commit"]["author"], newest["changes"]) == ("Ada", ["live: d2 -> d1"])


def test_on_a_terminal_pulumi_shows_the_switch_and_a_no_changes_nothing(
    night: Workspace, registry: Path
) -> None:
    def switched(answer: str) -> tuple[int, str]:
        command = ("switch", SERVICE, "d2", "--up")
        return on_terminal(answer, *command, folder=night.checkout, **night.environment)

    before = registry.read_text()
    code, shown = switched("n")
    assert code == 1
    assert '"line-loading-d1" => "line-loading-d2"' in shown
    assert "~ 1 to update" in shown
    assert shown.rstrip().endswith("error: nothing is changed")
    assert registry.read_text() == before
    assert rows(night)["d1"]["live"]
    code, shown = switched("y")
    assert (code, "Ingress line-loading updated" in shown) == (0, True), shown
    assert rows(night)["d2"]["live"]
    night.bluegrid("rollback", SERVICE, "--to", "d1", "--up", "--yes").require()
    assert rows(night)["d1"]["live"]


def test_a_version_that_is_pinned_wrongly_is_found_by_status_and_by_doctor(
    night: Workspace, registry: Path
) -> None:
    assert "FAULT" not in night.bluegrid("doctor").require().output
    row = next(line for line in registry.read_text().splitlines() if "id: v4," in line)
    digest = row.split('manifest: "')[1].split('"')[0]
    steps.add_cluster(night, "d4", "v4")
    registry.write_text(registry.read_text().replace(digest, WRONG))
    assert steps.up(night).exit_code != 0
    reason = f"set g1 version v4: published as manifest {digest[:15]}, pinned as {WRONG[:15]}"
    found = night.bluegrid("status", SERVICE).require().output
    assert "0/1    absent" in found
    assert f"why: line-loading d4: preflight: {reason}" in found
    checked = night.bluegrid("doctor")
    assert checked.exit_code == 1
    assert f"FAULT store: {reason}" in checked.output

    registry.write_text(registry.read_text().replace(WRONG, digest))
    command = ("cluster", "remove", SERVICE, "d4")
    assert "to delete" in night.bluegrid(*command, "--dry-run").require().output
    assert "id: d4" in registry.read_text()
    night.bluegrid(*command, "--up", "--yes").require()
    assert "d4" not in rows(night)


def test_doctor_says_what_is_wrong_with_the_place(night: Workspace) -> None:
    elsewhere = ("--namespace", "nowhere", "--store", "s3://models?endpoint=http://127.0.0.1:9")
    checked = night.bluegrid("doctor", *elsewhere)
    assert checked.exit_code == 1
    faults = [line for line in checked.output.splitlines() if line.startswith("FAULT")]
    assert {line.split()[1] for line in faults} == {"namespace:", "store:"}


def test_a_pod_that_no_node_has_room_for_says_so(
    night: Workspace,
) -> None:
    deployment = "deployment/line-loading-d2"
    kubectl(night, "set", "resources", deployment, "--limits=memory=900Gi", "--requests=memory=900Gi")
    kubectl(night, "wait", deployment, "--for=jsonpath={.status.unavailableReplicas}=1")
    found = rows(night, "--stack-state")["d2"]
    assert "Insufficient memory" in found["why"]
    assert found["state"] == "1 Pending, 1 Running"
    assert found["drift"] == ["YAML says memory 2Gi, Kubernetes 900Gi; changed behind Pulumi"]
