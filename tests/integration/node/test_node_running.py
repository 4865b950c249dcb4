"""A running node serves pods, pushes and requests."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.integration.node.client import (
    Kubectl,
    answer,
    deployment,
    http_route_to_s3,
    ingress_to_s3,
    namespace,
    s3,
    until,
)
from tools.node import NodeError
from tools.node.pause import write_pause_image
from tools.node.state import Phase
from tools.node.storage import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tools.node import Node

ROOMS = itertools.count(1)


@pytest.fixture
def kubectl(node: Node, programs: Mapping[str, Path]) -> Kubectl:
    return Kubectl(programs["kubectl"], node)


@pytest.fixture
def room(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for the test, deleted while other tests run."""
    name = f"room-{next(ROOMS)}"
    kubectl.apply(namespace(name))
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def usages(kubectl: Kubectl, room: str) -> list[dict[str, str]]:
    """Return the usage of each container in a namespace, from the API that autoscalers read."""
    pods = json.loads(kubectl("get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/{room}/pods"))[
        "items"
    ]
    return [container["usage"] for pod in pods for container in pod["containers"]]


def test_a_pod_without_any_privilege_runs(kubectl: Kubectl, room: str) -> None:
    kubectl.apply(deployment(room))

    kubectl("rollout", "status", f"deployment/{room}", f"--namespace={room}", "--timeout=90s")


def test_an_image_that_is_loaded_can_be_run(
    node: Node, kubectl: Kubectl, room: str, programs: Mapping[str, Path], tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    write_pause_image(programs["pause"], archive, image="localhost/test/loaded:1")

    node.load_image(archive, "localhost/test/loaded")

    kubectl.apply(deployment(room, image="localhost/test/loaded:1"))
    kubectl("rollout", "status", f"deployment/{room}", f"--namespace={room}", "--timeout=90s")


def test_what_a_pod_takes_is_known(kubectl: Kubectl, room: str) -> None:
    kubectl.apply(deployment(room))

    until(lambda: usages(kubectl, room) != [])
    (usage,) = usages(kubectl, room)
    assert usage.keys() == {"cpu", "memory"}
    assert usage["memory"] != "0"


def test_a_file_that_is_no_image_is_refused(node: Node, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_text("no image")

    with pytest.raises(NodeError, match="is not an image that the node can use"):
        node.load_image(tmp_path / "image.tar", "localhost/test/none")


def test_an_ingress_leads_from_this_machine_to_its_service(node: Node, kubectl: Kubectl, room: str) -> None:
    kubectl.apply(*ingress_to_s3(room, node))

    until(lambda: answer(f"{node.route_url}/health") == 200)
    ingress = kubectl.get("ingress", room, f"--namespace={room}")
    assert ingress["status"]["loadBalancer"]["ingress"] == [{"ip": node.address}]


def test_an_http_route_does_so_at_the_same_address(node: Node, kubectl: Kubectl, room: str) -> None:
    kubectl.apply(*http_route_to_s3(room, node))

    until(lambda: answer(f"{node.route_url}/health", host=f"{room}.test") == 200)


def test_the_readers_account_gets_objects_and_does_nothing_else(node: Node) -> None:
    admin, reader = s3(node, node.s3_admin), s3(node, node.s3_reader)
    admin.put_object(Bucket=BUCKET, Key="a/model", Body=b"bytes")

    assert reader.get_object(Bucket=BUCKET, Key="a/model")["Body"].read() == b"bytes"
    forbidden: list[Callable[[], object]] = [
        lambda: reader.put_object(Bucket=BUCKET, Key="a/model", Body=b"other"),
        lambda: reader.put_object(Bucket=BUCKET, Key="a/new", Body=b"other"),
        lambda: reader.delete_object(Bucket=BUCKET, Key="a/model"),
        lambda: reader.list_objects_v2(Bucket=BUCKET),
        lambda: reader.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
        lambda: reader.create_bucket(Bucket="another"),
    ]
    for call in forbidden:
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert admin.get_object(Bucket=BUCKET, Key="a/model")["Body"].read() == b"bytes"


def test_status_tells_of_every_component(node: Node) -> None:
    status = node.status()

    assert status.phase is Phase.READY
    assert len(status.components) == 11
    for component in status.components:
        assert component.healthy
        os.kill(component.pid, 0)


def test_a_component_that_dies_is_back_soon(node: Node) -> None:
    def contour() -> tuple[int, bool]:
        component = next(each for each in node.status().components if each.name == "contour")
        return component.pid, component.healthy

    before, _ = contour()

    os.kill(before, signal.SIGKILL)

    until(lambda: contour()[0] not in (0, before) and contour()[1])


def test_up_on_a_running_node_changes_nothing(node: Node, programs: Mapping[str, Path]) -> None:
    before = [(each.name, each.pid) for each in node.status().components]

    node.up(built=programs)

    assert [(each.name, each.pid) for each in node.status().components] == before


def test_the_node_has_no_way_out_of_this_machine(node: Node) -> None:
    routes = Path(f"/proc/{node.status().components[0].pid}/net/route").read_text().splitlines()[1:]

    everywhere = "00000000"
    assert routes
    assert everywhere not in [route.split()[1] for route in routes]
