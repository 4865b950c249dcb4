"""One of two services changes on a real Kubernetes, by commands that update it alone, under load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE, SET
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

HOST = "some.test"
OTHER = "loading-of-others"
RATE = 50


@pytest.fixture(scope="module")
def two(local: Local) -> Iterator[Workspace]:
    """A stack with two services of the same versions, which is up."""
    work = local.workspace("some", HOST)
    steps.declare_set(work, EXAMPLE)
    file, other = work.registry / f"{SET}.yaml", work.registry / "g2.yaml"
    other.write_text(file.read_text().replace(f"id: {SET}", "id: g2", 1))
    for version in ("v1", "v2"):
        models = local.prepared.models / version
        steps.push(work, models, version)
        work.bluegrid("push", str(models), "--set", "g2", "--version", version, "--json").require()
    for path, name in ((file, SERVICE), (other, OTHER)):
        path.write_text(path.read_text() + service(name))
    steps.up(work).require()
    yield work
    local.remove(work)


def service(name: str) -> str:
    rows = "".join(
        f"    - {{id: d{number}, version: v{number}, replicas: 1, cpu: 2, gpu: 0, memory: 2Gi}}\n"
        for number in (1, 2)
    )
    return f"service:\n  name: {name}\n  live: d1\n  clusters:\n{rows}"


@pytest.fixture
def load(local: Local, two: Workspace, tmp_path: Path) -> Iterator[Load]:
    requests = local.prepared.models / "requests.json"
    report = tmp_path / "load.json"
    with Load.start(two.place.route_url, SERVICE, requests, report, RATE, 600, HOST) as load:
        load.wait_until(lambda figures: figures.ok > 0, seconds=30)
        yield load


def objects(work: Workspace, name: str) -> dict[str, int]:
    """Return the generations of all objects of a service, which each change of a spec raises."""
    kinds = "deployments,services,ingresses,jobs"
    where = ("--context", work.place.context, "--namespace", work.namespace)
    label = f"bluegrid.io/service={name}"
    listed = work.run("kubectl", *where, "get", kinds, "--selector", label, "--output", "json").require()
    return {
        f"{each['kind']} {each['metadata']['name']}": each["metadata"]["generation"]
        for each in json.loads(listed.output)["items"]
        if "generation" in each["metadata"]
    }


def up(work: Workspace, *command: str) -> Ran:
    return work.bluegrid(*command, "--up", "--yes").require()


def test_a_cluster_is_added_switched_to_and_removed_while_the_other_service_stays(
    two: Workspace, load: Load
) -> None:
    before = objects(two, OTHER)
    up(two, "switch", SERVICE, "d2")
    up(two, "cluster", "remove", SERVICE, "d1")
    assert not any(name.endswith("-d1") for name in objects(two, SERVICE))
    up(two, "cluster", "add", SERVICE, "d1", "--version", "v1")
    up(two, "cluster", "scale", SERVICE, "d1", "2")
    up(two, "switch", SERVICE, "d1")
    assert objects(two, OTHER) == before
    two.pulumi("preview", "--expect-no-changes").require()
    seen = load.stop()
    assert set(seen.by_version) == {"v1", "v2"}
    assert seen.failed_total == 0
