"""`bluegrid wait` ends when what it waits for is so, and says what is missing until then."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.api_server import METRICS, ApiServer, refusal
from tests.support.command import BLUEGRID
from tests.support.kubernetes_objects import live_route, named, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = f"""\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{"a" * 64}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"a" * 64}", updated: 2026-11-23T08:00:00Z}}
service:
  name: service0
  live: d1
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: 2, cpu: 2, memory: 2Gi}}
"""


@pytest.fixture
def api() -> Iterator[ApiServer]:
    kinds = objects(1)
    for each in kinds["deployments"]:
        each["status"] |= {"replicas": 2, "updatedReplicas": 2}
    with ApiServer(kinds) as api:
        yield api


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(TEXT)
    return tmp_path / "registry"


@pytest.fixture
def wait(api: ApiServer, registry: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def wait(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BLUEGRID")}
        return subprocess.run(
            [BLUEGRID, "wait", *arguments, "--context", "there", "--registry", str(registry)],
            env=environment | {"KUBECONFIG": str(api.kubeconfig(tmp_path))},
            capture_output=True,
            text=True,
            check=False,
        )

    return wait


def after(api: ApiServer, times: int, change: Callable[[], None]) -> None:
    """Change the objects when a pod has been asked this often."""
    asked = 0

    def answer(_: str) -> tuple[int, str]:
        nonlocal asked
        asked += 1
        if asked == times:
            change()
        return 200, METRICS

    api.pod = answer


def deployment(api: ApiServer, cluster: str) -> dict[str, dict[str, object]]:
    (found,) = [
        each for each in api.kinds["deployments"] if each["metadata"]["name"] == f"service0-{cluster}"
    ]
    return found


def test_a_cluster_that_is_ready_ends_the_wait_at_once(
    wait: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = wait("service0", "d1", "--timeout", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "service0 d1: live, version v1, 2/2 pods ready\n"


def test_a_wait_goes_on_until_the_declared_version_is_ready(
    wait: Callable[..., subprocess.CompletedProcess[str]], api: ApiServer
) -> None:
    found = deployment(api, "d2")
    found["status"]["readyReplicas"] = 1

    def roll() -> None:
        found["metadata"]["labels"]["bluegrid.io/version"] = "v2"  # type: ignore[index]
        found["status"]["readyReplicas"] = 2

    after(api, 6, roll)
    done = wait("service0", "d2", "--timeout", "1m", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["service0 d2: runs version v1, and v2 is declared"]
    (row,) = json.loads(done.stdout)
    assert (row["cluster"], row["version"], row["ready"]) == ("d2", "v2", 2)


def test_a_wait_for_live_ends_with_the_switch(
    wait: Callable[..., subprocess.CompletedProcess[str]], api: ApiServer
) -> None:
    def switch() -> None:
        api.kinds["ingresses"] = [named(live_route("d2"), "service0")]

    after(api, 6, switch)
    done = wait("service0", "d2", "--for", "live", "--timeout", "1m")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "service0 d2: the URL leads to d1\n"
    assert done.stdout.startswith("service0 d2: live, ")


def test_a_wait_that_is_over_is_exit_code_1_with_the_reason(
    wait: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = wait("service0", "d2", "--timeout", "1s")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "service0 d2: runs version v1, and v2 is declared",
        "error: service0 d2: not ready after 1 s: runs version v1, and v2 is declared",
    ]


def test_what_is_gone_ends_a_wait_for_its_end(
    wait: Callable[..., subprocess.CompletedProcess[str]], api: ApiServer
) -> None:
    def delete() -> None:
        for kind in ("deployments", "pods"):
            api.kinds[kind] = [each for each in api.kinds[kind] if "service0-d2" not in json.dumps(each)]

    after(api, 6, delete)
    done = wait("service0", "d2", "--for", "delete", "--timeout", "1m")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "service0 d2: deleted\n"


def test_a_name_that_nobody_knows_is_refused_at_once(
    wait: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = wait("nothing", "--timeout", "1h")
    assert done.returncode == 1
    assert "service nothing: nothing of it runs" in done.stderr
    done = wait("service0", "d9", "--timeout", "1h")
    assert "service service0: has no cluster d9" in done.stderr


def test_an_api_server_that_is_away_for_a_moment_does_not_end_a_wait(
    wait: Callable[..., subprocess.CompletedProcess[str]], api: ApiServer
) -> None:
    answer, looks = api.answer, 0

    def sometimes(path: str, query: dict[str, list[str]], sent: bytes) -> tuple[int, str]:
        nonlocal looks
        looks += path.endswith("deployments")
        if looks == 3 and path.endswith("deployments"):
            deployment(api, "d2")["metadata"]["labels"]["bluegrid.io/version"] = "v2"  # type: ignore[index]
            return refusal(503, "etcd is away")
        return answer(path, query, sent)

    api.answer = sometimes  # type: ignore[method-assign]
    done = wait("service0", "d2", "--timeout", "1m")
    assert done.returncode == 0, done.stderr
    assert "etcd is away" in done.stderr


def test_without_yaml_any_version_will_do_and_a_warning_says_so(
    wait: Callable[..., subprocess.CompletedProcess[str]], registry: Path
) -> None:
    (registry / "g1.yaml").write_text(TEXT.replace("live: d1", "live: d7"))
    done = wait("service0", "d2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: the declared version is not known, any will do: ")
