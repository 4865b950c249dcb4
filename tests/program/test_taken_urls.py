"""Two stacks on one proxy: the second stack cannot take a URL of the first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from bluegrid_registry import contract
from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import SECRETS, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Write = Callable[..., Path]

GATEWAY = "networking/public"


def ingress(namespace: str, host: str, proxy: str = "contour", name: str = "line-loading") -> dict[str, Any]:
    paths = [{"path": "/modelService/line-loading", "pathType": "Prefix"}]
    rules = [{**({"host": host} if host else {}), "http": {"paths": paths}}]
    metadata = {"namespace": namespace, "name": name}
    return {"metadata": metadata, "spec": {"ingressClassName": proxy, "rules": rules}}


def http_route(namespace: str, host: str, proxy: str = GATEWAY) -> dict[str, Any]:
    gateway, name = proxy.split("/")
    match = {"path": {"type": "PathPrefix", "value": "/modelService/line-loading"}}
    spec = {
        "parentRefs": [{"namespace": gateway, "name": name}],
        "hostnames": [host],
        "rules": [{"matches": [match]}],
    }
    return {"metadata": {"namespace": namespace, "name": "line-loading"}, "spec": spec}


@contextmanager
def cluster_with(folder: Path, *routes: object) -> Iterator[str]:
    with api_server(items=routes) as url:
        yield str(kubeconfig(folder / "config", url, "kind"))


def refusal(registry: Path, **changed: str) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run_program(registry, **changed)
    return str(refused.value)


def test_a_url_that_is_another_stacks_is_refused(registry: Write, tmp_path: Path) -> None:
    with cluster_with(tmp_path, ingress("acme-north", "models.test")) as file:
        message = refusal(registry(), kubeconfig=file, ingressClass="contour", host="models.test")
    assert message == (
        "bluegrid:host: models.test with /modelService/line-loading already belongs to "
        "acme-north/line-loading of another stack; give this stack a host of its own: "
        "pulumi config set --stack demo bluegrid:host NAME"
    )


def test_without_a_host_it_is_the_same(registry: Write, tmp_path: Path) -> None:
    with cluster_with(tmp_path, ingress("acme-north", "")) as file:
        message = refusal(registry(), kubeconfig=file, ingressClass="contour")
    assert "any host with /modelService/line-loading already belongs to acme-north/line-loading" in message


def test_a_gateways_routes_are_looked_at_too(registry: Write, tmp_path: Path) -> None:
    with cluster_with(tmp_path, http_route("acme-north", "models.test")) as file:
        message = refusal(registry(), kubeconfig=file, ingressClass="", gateway=GATEWAY, host="models.test")
    assert "models.test with /modelService/line-loading already belongs to acme-north/line-loading" in message


def test_other_hosts_other_proxies_and_the_stacks_own_routes_are_no_matter(
    registry: Write, tmp_path: Path
) -> None:
    own = run_program(registry())["Namespace platform"].inputs["metadata"]["name"]
    routes = (
        ingress("acme-north", "north.test"),
        ingress("acme-north", "models.test", proxy="nginx"),
        ingress(own, "models.test"),
    )
    with cluster_with(tmp_path, *routes) as file:
        plan = run_program(registry(), kubeconfig=file, ingressClass="contour", host="models.test")
    assert "Ingress line-loading" in plan.resources


def test_a_stack_that_holds_the_url_as_well_is_told_and_can_still_be_switched(
    registry: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = run_program(registry())["Namespace platform"].inputs["metadata"]["name"]
    with cluster_with(tmp_path, ingress("acme-north", "models.test"), ingress(own, "models.test")) as file:
        plan = run_program(registry(), kubeconfig=file, ingressClass="contour", host="models.test")
    assert "Ingress line-loading" in plan.resources
    assert (
        "already belongs to acme-north/line-loading of another stack, and the proxy takes either"
        in caplog.text
    )


def test_a_stack_whose_namespace_changes_takes_its_url_along(registry: Write, tmp_path: Path) -> None:
    standing = contract.standing_host(SECRETS["routeKey"], "line-loading", "d1", "cluster.internal")
    routes = (
        ingress("old-namespace", "models.test"),
        ingress("old-namespace", standing, name="line-loading-d1"),
    )
    changed = {"ingressClass": "contour", "host": "models.test", "standingDomain": "cluster.internal"}
    with cluster_with(tmp_path, *routes) as file:
        plan = run_program(registry(), kubeconfig=file, **changed)
    assert "Ingress line-loading" in plan.resources


def test_who_may_not_look_is_told_so(
    registry: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with api_server(403, "forbidden") as url:
        file = str(kubeconfig(tmp_path / "config", url, "kind"))
        assert "Ingress line-loading" in run_program(registry(), kubeconfig=file).resources
    assert "may not list the ingresses of all namespaces" in caplog.text
