"""Checks of what commands need before they read or change anything, each with a remedy."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bluegrid.operations.api import AT_ONCE, OURS, KubernetesError
from bluegrid.operations.diagnosis import Diagnosis
from bluegrid.operations.rights import ROLES
from bluegrid.operations.routes import live_clusters
from bluegrid_registry import BluegridError, StoreUnreachable, open_store, read_commit, read_manifest
from bluegrid_registry.contract import LABEL, cluster_name, cluster_of_labels, service_path
from bluegrid_registry.counts import counted
from bluegrid_registry.route_backends import backends_of
from bluegrid_registry.route_client import RouteClient, RouteSilent
from bluegrid_registry.stores.versions import check_pinned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bluegrid.operations.api import Namespace, Object
    from bluegrid_registry import Registry, RegistryFile, Store, Version

SECONDS = 10.0
"""How long a program may run."""

SHOWN = 6
"""How many missing rights are named."""


def check_kubernetes(namespace: Namespace, route_address: str | None = None) -> Iterator[Diagnosis]:
    """Check the API server, this login's rights, the namespace, and that the proxy answers.

    Args:
        namespace: of the stack.
        route_address: URL of the proxy, without a path; None: the address in the status of the Ingresses.
    """
    try:
        version = namespace.get("/version")
    except KubernetesError as error:
        yield Diagnosis("API server", is_well=False, text=str(error))
        return
    yield Diagnosis("API server", is_well=True, text=f"Kubernetes {version['gitVersion']} answers")
    for what, role, without in (
        ("rights to look", "bluegrid-operator", "status, predict, compare and logs tell less"),
        ("rights to change", "bluegrid-up", "`pulumi up` by this account fails"),
    ):
        yield _rights(namespace, what, role, without)
    try:
        namespace.get(f"/api/v1/namespaces/{namespace.name}")
        yield Diagnosis("namespace", is_well=True, text=namespace.name)
    except KubernetesError as error:
        if not error.is_forbidden:
            text = f"{error}; `pulumi up` makes it, or name another: --namespace"
            yield Diagnosis("namespace", is_well=False, text=text)
            return
    try:
        yield from check_routes(namespace, route_address)
    except KubernetesError as error:
        yield Diagnosis("routes", is_well=False, text=str(error))


def _rights(namespace: Namespace, what: str, role: str, without: str) -> Diagnosis:
    requests = [each for rule in ROLES[role] for each in rule.requests()]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        allowed = [*threads.map(lambda each: namespace.review(*each), requests)]
    missing = [f"{verb} {kind}" for (verb, kind, _), may in zip(requests, allowed, strict=True) if not may]
    if not missing:
        return Diagnosis(what, is_well=True, text=f"all {len(requests)}")
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    lacks = f"may not {', '.join(missing[:SHOWN])}{more} in {namespace.name}: {without}"
    return Diagnosis(what, is_well=False, text=f"{lacks}; bind {role} of docs/operations/rbac there")


def check_routes(namespace: Namespace, address: str | None) -> Iterator[Diagnosis]:
    """Request every live route at the proxy's address, as a client does; may raise KubernetesError."""
    ingresses = namespace.objects("apis/networking.k8s.io/v1/ingresses", OURS)
    routes = [route for route in (*ingresses, *namespace.http_routes()) if _is_live(route)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(lambda route: _route(route, address), routes)
    yield from _lone_pods(namespace, routes)
    if not routes:
        yield Diagnosis("routes", is_well=True, text="no service is online yet")


def _lone_pods(namespace: Namespace, routes: Sequence[Object]) -> Iterator[Diagnosis]:
    """Yield a risk for each live cluster of one pod: no pod answers while its node is drained.

    A PodDisruptionBudget does not help: if it keeps the only pod, nobody can drain the node.
    """
    pods: dict[str, int] = {}
    for each in namespace.objects("apis/apps/v1/deployments", OURS) if routes else ():
        name = cluster_name(*cluster_of_labels(each["metadata"]["labels"]))
        # Of a cluster with shards: those of the shard with the fewest.
        pods[name] = min(each["spec"]["replicas"], pods.get(name, each["spec"]["replicas"]))
    for route in routes:
        service = route["metadata"]["name"]
        for cluster in live_clusters([route], service):
            if pods.get(f"{service}-{cluster}") == 1:
                lone = f"{cluster} is live with one pod, so that draining its node is an outage"
                text = f"{lone}; give it `replicas: 2`, or `autoscaling` a `min` of 2"
                yield Diagnosis(f"service {service}", is_well=True, text=text, is_risk=True)


def _is_live(route: Object) -> bool:
    return bool(route["metadata"]["name"] == route["metadata"]["labels"].get(f"{LABEL}/service"))


def _route(route: Object, address: str | None) -> Diagnosis:
    what, spec = f"route {route['metadata']['name']}", route["spec"]
    if "parentRefs" in spec:
        return _http_route(what, route, address)
    addresses = route["status"].get("loadBalancer", {}).get("ingress") or [{}]
    host = addresses[0].get("ip") or addresses[0].get("hostname")
    if host is None:
        lost = f"no controller has taken it; does one answer for class {spec.get('ingressClassName')}?"
        return Diagnosis(what, is_well=False, text=lost)
    return _check_route(route, address or f"http://{host}", spec["rules"][0].get("host"))


def _http_route(what: str, route: Object, address: str | None) -> Diagnosis:
    spec, parents = route["spec"], route.get("status", {}).get("parents", [])
    conditions = [condition for parent in parents for condition in parent["conditions"]]
    if not any(each["type"] == "Accepted" and each["status"] == "True" for each in conditions):
        gateway = spec["parentRefs"][0]
        lost = f"no listener of Gateway {gateway['namespace']}/{gateway['name']} takes it"
        return Diagnosis(what, is_well=False, text=f"{lost}; see its allowedRoutes and hostname")
    # Only the Gateway knows the address for clients, and this login may not read it.
    if address is None:
        return Diagnosis(what, is_well=True, text="a listener takes it; not asked without --route-address")
    return _check_route(route, address, next(iter(spec.get("hostnames", ())), None))


def _check_route(route: Object, address: str, host: str | None) -> Diagnosis:
    """Request a route as a client does; one of its backends has to answer."""
    name, backends = route["metadata"]["name"], backends_of(route["spec"])
    what, path = f"route {name}", f"{service_path(name)}/v2/health/ready"
    url = f"{address.rstrip('/')}{path}"
    try:
        answer = RouteClient(address, host).get(path)
    except RouteSilent as error:
        return Diagnosis(what, is_well=False, text=f"{url}: {error}")
    backend = f"{name}-{answer.cluster}"
    if answer.status != 200 or backend not in backends:
        found = f"status {answer.status} of {backend if answer.cluster else 'no cluster'}"
        text = f"{url}: {found}, expected {' or '.join(backends)}; see `bluegrid status {name}`"
        return Diagnosis(what, is_well=False, text=text)
    return Diagnosis(what, is_well=True, text=f"{address} answers with {backend}")


def check_store(url: str, registry: Registry) -> Iterator[Diagnosis]:
    """Check that the store answers this login, and holds every declared version with the pinned manifest.

    Manifests are read of versions that clusters serve; `bluegrid verify` reads every byte.
    """
    pinned = [(file, version) for file in registry.files for version in file.versions]
    try:
        store = open_store(url)
        # First one version alone, so that a store that does not answer is reported once.
        for each in pinned[:1]:
            _fault(store, *each)
    except BluegridError as error:
        yield Diagnosis("store", is_well=False, text=str(error))
        return
    with ThreadPoolExecutor(AT_ONCE) as threads:
        faults = [*filter(None, threads.map(lambda each: _fault(store, *each), pinned))]
    for fault in dict.fromkeys(faults):
        yield Diagnosis("store", is_well=False, text=fault)
    if not faults:
        there = f"{counted(len(pinned), 'version')} found as pinned; asked with this login's account"
        yield Diagnosis("store", is_well=True, text=there)


def _fault(store: Store, file: RegistryFile, version: Version) -> str | None:
    """Return the fault of a version in the store; raise StoreUnreachable if the store does not answer."""
    served = [cluster.version for cluster in file.service.clusters] if file.service else []
    try:
        check_pinned(read_commit(store, file.set.id, version.id), version.manifest)
        if version.id in served:
            read_manifest(store, file.set.id, version.id, version.manifest)
    except StoreUnreachable:
        raise
    except BluegridError as error:
        return str(error)
    return None


def check_programs() -> Iterator[Diagnosis]:
    """Check what `--up` and `--dry-run` run: Pulumi, its backend, its Kubernetes provider; and git."""
    version = _output_of("pulumi", "version")
    if version is None:
        text = "is not on PATH; see https://www.pulumi.com/docs/install/"
        yield Diagnosis("pulumi", is_well=False, text=text)
    else:
        yield Diagnosis("pulumi", is_well=True, text=version)
        backend = _output_of("pulumi", "whoami", "--non-interactive")
        text = f"logged in as {backend}" if backend else "no backend answers; `pulumi login`"
        yield Diagnosis("pulumi backend", is_well=backend is not None, text=text)
        provider = shutil.which("pulumi-resource-kubernetes") or _plugin()
        text = provider or "is not installed; `pulumi install`"
        yield Diagnosis("pulumi provider", is_well=provider is not None, text=text)
    git = _output_of("git", "--version")
    text = git or "is not on PATH: rollback and history cannot tell what was live before"
    yield Diagnosis("git", is_well=git is not None, text=text)


def _plugin() -> str | None:
    listed = _output_of("pulumi", "plugin", "ls") or ""
    found = [line for line in listed.splitlines() if line.startswith("kubernetes ")]
    return " ".join(found[0].split()[:3]) if found else None


def _output_of(*command: str) -> str | None:
    """Return the output of a program; None if it is missing, fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
