"""Contour's timeout of a request, and how a route has a longer one."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.cluster.conftest import Local

ROOM = "timeouts"
SLOW = 17
"""Seconds that the server takes to answer: more than Envoy's default timeout of a route, 15 s."""
SERVER = f"""
import http.server, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0 if self.path.endswith("/quick") else {SLOW})
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("", 12345), Slow).serve_forever()
"""
ANNOTATED = {"projectcontour.io/response-timeout": "30s"}
INGRESSES: Mapping[str, Mapping[str, str]] = {"ingress": {}, "annotated-ingress": ANNOTATED}
HTTP_ROUTES: Mapping[str, dict[str, Any]] = {
    "http-route": {},
    "http-route-with-timeout": {"timeouts": {"request": "30s"}},
}
"""HTTPRoutes, all with the annotation, by name: what their rules have more."""


def objects(image: str, gateway: str) -> Iterator[dict[str, Any]]:
    """Yield a slow server, and routes to it."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ROOM}}
    metadata = {"name": "slow", "namespace": ROOM, "labels": {"app": "slow"}}
    container = {
        "name": "slow",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", SERVER],
    }
    yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    service = {"selector": {"app": "slow"}, "ports": [{"port": 12345}]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}
    backend = {"service": {"name": "slow", "port": {"number": 12345}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    for name, annotated in INGRESSES.items():
        rule = {"host": f"{name}.test", "http": {"paths": [path]}}
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "namespace": ROOM, "annotations": annotated},
            "spec": {"ingressClassName": "contour", "rules": [rule]},
        }
    gateway_namespace, gateway_name = gateway.split("/")
    for name, timeouts in HTTP_ROUTES.items():
        rule = {"backendRefs": [{"name": "slow", "port": 12345}]} | timeouts
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": ROOM, "annotations": ANNOTATED},
            "spec": {
                "parentRefs": [{"namespace": gateway_namespace, "name": gateway_name}],
                "hostnames": [f"{name}.test"],
                "rules": [rule],
            },
        }


def answer(routes: str, name: str, path: str) -> int:
    """Return the status of an answer; 0: there is none."""
    request = urllib.request.Request(f"{routes}/{path}", headers={"Host": f"{name}.test"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@pytest.fixture(scope="module")
def answers(local: Local) -> Iterator[Mapping[str, int]]:
    """Give the status of a slow answer by each route; all are requested at once."""
    work = local.workspace(ROOM)
    file = local.state / "timeouts.json"
    listed = [*objects(work.place.image, local.node.gateway)]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": listed}))
    kubectl = ("kubectl", "--context", work.place.context)
    work.run(*kubectl, "apply", "--filename", str(file)).require()
    routes, names = local.node.route_url, (*INGRESSES, *HTTP_ROUTES)
    deadline = time.monotonic() + 90
    while {answer(routes, name, "quick") for name in names} != {200}:
        assert time.monotonic() < deadline, "the routes never answered"
        time.sleep(0.2)
    with ThreadPoolExecutor() as pool:
        slow = pool.map(lambda name: answer(routes, name, "slow"), names)
        yield dict(zip(names, slow, strict=True))
    work.run(*kubectl, "delete", "namespace", ROOM, "--wait=false").require()


def test_a_request_by_an_ingress_ends_after_15_seconds(answers: Mapping[str, int]) -> None:
    assert answers["ingress"] == 504


def test_an_annotation_of_an_ingress_allows_for_more(answers: Mapping[str, int]) -> None:
    assert answers["annotated-ingress"] == 200


def test_an_annotation_of_an_http_route_has_no_effect(answers: Mapping[str, int]) -> None:
    assert answers["http-route"] == 504


def test_a_timeout_of_an_http_route_allows_for_more(answers: Mapping[str, int]) -> None:
    assert answers["http-route-with-timeout"] == 200
