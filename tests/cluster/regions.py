"""Two regions on one node: two stacks, two namespaces, two host names; one registry, one state on S3."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from tools.demo import steps
from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, EXAMPLE
from tools.demo.workspace import SERVICE, Workspace
from tools.load.process import Load

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran

BUCKET = "state"
BACKEND = "{.spec.rules[0].http.paths[0].backend.service.name}"
"""The JSONPath of an Ingress's backend."""


@dataclass(frozen=True)
class Regions:
    """Both regions, each with a load; v1 is live on d1 in both, v2 stands by on d2."""

    north: Workspace
    east: Workspace
    local: Local

    def promote(self, cluster: str, *options: str) -> Ran:
        """Run `bluegrid promote` in both regions, as a platform engineer would."""
        return self.north.run(*self._command(cluster, "north,east", *options))

    def start_promoting(self, cluster: str, regions: str, *options: str) -> subprocess.Popen[str]:
        """Start `bluegrid promote`, so that it can be interrupted."""
        return self.north.start(*self._command(cluster, regions, *options))

    def _command(self, cluster: str, regions: str, *options: str) -> tuple[str, ...]:
        stacks = "--stacks", str(self.north.state)
        return "bluegrid", "promote", SERVICE, cluster, "--regions", regions, *stacks, *options

    @property
    def file(self) -> Path:
        """The registry file of the one set."""
        return self.north.registry / "g1.yaml"

    @property
    def live(self) -> str:
        """The value of `live:` in YAML, as text."""
        (line,) = (line for line in self.file.read_text().splitlines() if line.startswith("  live: "))
        return line.removeprefix("  live: ")

    def routed(self) -> tuple[str, str]:
        """The live cluster by the Ingress of each region: north, east."""
        north, east = (backend(work) for work in (self.north, self.east))
        return north, east

    @contextmanager
    def load(self, rate: float = 50) -> Iterator[tuple[Load, Load]]:
        """Send requests to both services during the block."""
        with self._load(self.north, rate) as north, self._load(self.east, rate) as east:
            yield north, east

    def _load(self, work: Workspace, rate: float) -> Load:
        requests = self.local.prepared.models / "requests.json"
        report = self.local.state / f"load-{work.stack}.json"
        return Load.start(work.place.route_url, SERVICE, requests, report, rate=rate, host=work.host)


def kubectl(work: Workspace, *arguments: str) -> str:
    """Run kubectl in a region's namespace; return its output."""
    return (
        work.run("kubectl", "--context", work.place.context, "--namespace", work.namespace, *arguments)
        .require()
        .output
    )


def backend(work: Workspace) -> str:
    """Return the cluster that the live Ingress of a region leads to."""
    return kubectl(work, "get", "ingress", SERVICE, f"--output=jsonpath={BACKEND}").removeprefix(
        f"{SERVICE}-"
    )


def wait_until_live(work: Workspace, cluster: str) -> None:
    """Wait until the live Ingress leads to this cluster."""
    condition = f"--for=jsonpath={BACKEND}={SERVICE}-{cluster}"
    kubectl(work, "wait", f"ingress/{SERVICE}", condition, "--timeout=120s")


@contextmanager
def two_regions(local: Local) -> Iterator[Regions]:
    """Bring both regions online; removed afterwards."""
    assert local.prepared.image is not None
    node, state = local.node, local.state / "regions"
    boto3.client(
        "s3",
        endpoint_url=node.s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id=node.s3_admin.access_key,
        aws_secret_access_key=node.s3_admin.secret_key,
    ).create_bucket(Bucket=BUCKET)
    backend = f"s3://{BUCKET}?endpoint={node.s3_endpoint}&region=us-east-1&s3ForcePathStyle=true"
    place = on_node(node, local.prepared.image.pinned)
    north, east = (
        Workspace(
            CHECKOUT,
            state,
            place,
            local.prepared.programs,
            local.printer.of(stack),
            stack,
            f"{stack}.test",
            backend,
        )
        for stack in ("north", "east")
    )
    north.create()
    east.add_stack()
    steps.declare_set(north, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(north, local.prepared.models / version, version)
    steps.declare_service(north)
    steps.add_cluster(north, "d2", "v2")
    regions = Regions(north, east, local)
    # Two pods a region are enough here.
    regions.file.write_text(regions.file.read_text().replace("replicas: 2", "replicas: 1"))
    with ThreadPoolExecutor() as both:
        try:
            for ran in both.map(steps.up, (north, east)):
                ran.require()
            yield regions
        finally:
            local.remove(north, east)
