"""The output of `bluegrid status`: a table, below it the problems, and parts that do not answer."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.api_server import METRICS, ApiServer, refusal
from tests.support.command import BLUEGRID
from tests.support.kubernetes_objects import objects

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
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
"""


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer(objects(1)) as api:
        yield api


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(TEXT)
    return tmp_path / "registry"


@pytest.fixture
def start(api: ApiServer, registry: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    def start(*options: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BLUEGRID")}
        place = ("--context", "there", "--registry", str(registry))
        return subprocess.Popen(
            [BLUEGRID, "status", *place, *options],
            env=environment | {"KUBECONFIG": str(api.kubeconfig(tmp_path))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def output_of(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    def output_of(*options: str) -> str:
        process = start(*options)
        output, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        return output

    return output_of


def test_the_table_is_whole_in_a_pipe_and_drift_stands_below_it(output_of: Callable[..., str]) -> None:
    head, d1, d2, *below = output_of().splitlines()
    assert head.split()[:7] == ["SERVICE", "CLUSTER", "VERSION", "ROUTE", "READY", "PODS", "MODELS"]
    assert d1.split()[:8] == ["service0", "d1", "v1", "live", "2/2", "2", "Running", "186/186"]
    assert d2.split()[:4] == ["service0", "d2", "v1", "standby"]
    assert below == ["drift: service0 d2: YAML says version v2, v1 runs"]


def test_a_service_that_is_named_is_told_with_its_pods(output_of: Callable[..., str]) -> None:
    lines = output_of("service0", "d1").splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("pod ")] == [
        "pod service0-d1-a",
        "pod service0-d1-b",
    ]
    assert " d2 " not in "".join(lines)


def test_a_registry_with_mistakes_hides_nothing_of_what_runs(
    output_of: Callable[..., str], registry: Path
) -> None:
    (registry / "g1.yaml").write_text(TEXT.replace("live: d1", "live: d7"))
    output = output_of()
    assert "service0  d1" in output
    assert "note: drift from YAML is not known: " in output
    assert "d7 is not a cluster of service0" in output


def test_where_regions_differ_this_one_has_to_be_named(output_of: Callable[..., str], registry: Path) -> None:
    (registry / "g1.yaml").write_text(TEXT.replace("live: d1", "live: {default: d2, north: d1}"))
    assert "service0: differ by region; name one with --stack" in output_of()
    assert "YAML says d2 is live" in output_of("--region", "east")
    assert "is live" not in output_of("--region", "north")


def test_what_pods_are_not_to_be_asked_is_noted(output_of: Callable[..., str], api: ApiServer) -> None:
    api.pod = lambda _: refusal(403, 'cannot get resource "pods/proxy"')
    output = output_of()
    assert "2 Running  -" in output
    assert output.splitlines()[-1].endswith('cannot get resource "pods/proxy"')


def test_a_service_that_nobody_knows_is_refused(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("nothing")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error == (
        "error: service nothing: nothing of it runs in namespace bluegrid of there; "
        "services there: service0\n"
    )


def test_a_namespace_that_is_not_there_is_no_outage(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--namespace", "bluegird")
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert error.startswith("error: namespace bluegird: not found in context there; ")


def test_a_live_cluster_that_is_gone_is_told_first(output_of: Callable[..., str], api: ApiServer) -> None:
    api.kinds["deployments"] = [
        each for each in api.kinds["deployments"] if each["metadata"]["name"] != "service0-d1"
    ]
    outage, _, d1, *_ = output_of().splitlines()
    assert outage == (
        "outage: service0: nobody answers at /modelService/service0: live cluster d1 does not run"
    )
    assert d1.split()[:6] == ["service0", "d1", "v1", "live", "0/2", "absent"]


def test_watching_goes_on_until_it_is_interrupted_and_ends_well(
    start: Callable[..., subprocess.Popen[str]], api: ApiServer
) -> None:
    process = start("--watch")
    looks = 0

    def answer(pod: str) -> tuple[int, str]:
        nonlocal looks
        if pod == "service0-d1-a":
            looks += 1
            # Once: a second interrupt would cut short the output after the first.
            if looks == 4:
                process.send_signal(signal.SIGINT)
        return 200, METRICS

    api.pod = answer
    output, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    # In a pipe each repetition is printed in full.
    assert output.count("service0  d1") >= 2
