"""Drift: where the registry's YAML, the stack's state and Kubernetes disagree, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid_registry import Autoscaling
from bluegrid_registry.counts import counted
from bluegrid_registry.registry_files.quantities import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid.states.services import ClusterState, ServiceState


@dataclass(frozen=True)
class Drift:
    """One disagreement.

    Attributes:
        service: name of the service.
        cluster: its cluster; None: the drift is of the service itself.
        text: what YAML says and what runs.
    """

    service: str
    cluster: str | None
    text: str


def drift(declared: Mapping[str, ServiceState], running: Mapping[str, ServiceState]) -> list[Drift]:
    """Compare declared services with running ones; both by name."""
    found = []
    for name in sorted({*declared, *running}):
        in_yaml, actual = declared.get(name), running.get(name)
        if in_yaml is None:
            found.append(Drift(name, None, "runs, but YAML does not declare it"))
        elif actual is None:
            found.append(Drift(name, None, "YAML declares it, but nothing of it runs"))
        else:
            found += _of_service(in_yaml, actual)
    return found


def explained(
    differences: Iterable[Drift],
    declared: Mapping[str, ServiceState],
    made: Mapping[str, ServiceState],
    running: Mapping[str, ServiceState],
) -> list[Drift]:
    """Add to each drift its cause according to the stack's state, and what to do.

    Args:
        differences: between YAML and Kubernetes.
        declared: services in YAML.
        made: services in the stack's state.
        running: services in Kubernetes.
    """
    not_applied, behind_pulumi = drift(declared, made), drift(made, running)
    with_reasons = []
    for each in differences:
        if each in not_applied:
            why = "not applied yet: `pulumi up`"
        elif (each.service, each.cluster) in {(other.service, other.cluster) for other in behind_pulumi}:
            why = "changed behind Pulumi"
        else:
            why = "the stack's state does not explain it"
        with_reasons.append(replace(each, text=f"{each.text}; {why}"))
    return with_reasons


def _of_service(declared: ServiceState, running: ServiceState) -> Iterator[Drift]:
    if declared.live != running.live:
        now = f"the live route says {running.live}" if running.live else "there is no live route"
        yield Drift(declared.name, None, f"YAML says {declared.live} is live, {now}")
    elif declared.shares != running.shares:
        text = f"YAML says {_shares(declared)} of the requests, the live route says {_shares(running)}"
        yield Drift(declared.name, None, text)
    for cluster in sorted({*declared.clusters, *running.clusters}):
        in_yaml, actual = declared.clusters.get(cluster), running.clusters.get(cluster)
        if in_yaml is None:
            yield Drift(declared.name, cluster, "runs, but YAML does not declare it")
        elif actual is None:
            yield Drift(declared.name, cluster, "YAML declares it, but it does not run")
        else:
            yield from (Drift(declared.name, cluster, text) for text in _of_cluster(in_yaml, actual))


def _shares(service: ServiceState) -> str:
    shares = [f"{cluster} {100 * share:.3g} %" for cluster, share in service.shares.items()]
    return ", ".join(shares) or f"{service.live} 100 %"


def _of_cluster(declared: ClusterState, running: ClusterState) -> Iterator[str]:
    if declared.version != running.version:
        yield f"YAML says version {declared.version}, {running.version} runs"
    if isinstance(declared.replicas, Autoscaling) and isinstance(running.replicas, Autoscaling):
        if declared.replicas != running.replicas:
            yield f"YAML says {declared.replicas}, its autoscaler {running.replicas}"
    elif not _is_as_declared(declared, running):
        yield f"YAML says {_pods(declared.replicas)}, Kubernetes {_pods(running.replicas)}"
    if running.held not in (None, declared.held) and isinstance(declared.replicas, Autoscaling):
        yield f"YAML says min {declared.replicas.min}, its autoscaler keeps {running.held} since a switch"
    for name in sorted({*declared.resources, *running.resources}):
        in_yaml, actual = (each.resources.get(name, "0") for each in (declared, running))
        if value_of(in_yaml) != value_of(actual):
            yield f"YAML says {name} {in_yaml}, Kubernetes {actual}"


def _is_as_declared(declared: ClusterState, running: ClusterState) -> bool:
    # Within its bounds the number is the autoscaler's decision; each shard has an autoscaler.
    bounds, shards = declared.replicas, declared.shards
    if isinstance(bounds, Autoscaling) and isinstance(running.replicas, int):
        return bounds.min * shards <= running.replicas <= bounds.max * shards
    return bounds == running.replicas


def _pods(count: int | Autoscaling) -> str:
    if isinstance(count, Autoscaling):
        return f"{count.min} to {count.max} replicas"
    return counted(count, "replica")
