"""Where the registry's YAML, the stack's state and what runs disagree, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bluegrid_registry import Autoscaling
from bluegrid_registry.registry_files.quantities import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid.states.services import ClusterState, ServiceState


@dataclass(frozen=True)
class Drift:
    """One disagreement.

    Attributes:
        service: whose.
        cluster: whose; None: the service's own.
        text: what YAML says and what runs.
    """

    service: str
    cluster: str | None
    text: str


def drift(wanted: Mapping[str, ServiceState], running: Mapping[str, ServiceState]) -> list[Drift]:
    """Compare what is declared with what runs; both are services by name."""
    found = []
    for name in sorted({*wanted, *running}):
        declared, there = wanted.get(name), running.get(name)
        if declared is None:
            found.append(Drift(name, None, "runs, but YAML does not declare it"))
        elif there is None:
            found.append(Drift(name, None, "YAML declares it, but nothing of it runs"))
        else:
            found += _of_service(declared, there)
    return found


def explained(
    found: Iterable[Drift],
    wanted: Mapping[str, ServiceState],
    made: Mapping[str, ServiceState],
    running: Mapping[str, ServiceState],
) -> list[Drift]:
    """Add to each disagreement which side the stack's state is on, and what follows.

    Args:
        found: what YAML and Kubernetes disagree on.
        wanted: what YAML declares.
        made: what Pulumi has made, as its state tells.
        running: what runs.
    """
    not_applied, behind_pulumi = drift(wanted, made), drift(made, running)
    explained = []
    for each in found:
        if each in not_applied:
            why = "not applied yet: `pulumi up`"
        elif (each.service, each.cluster) in {(other.service, other.cluster) for other in behind_pulumi}:
            why = "changed behind Pulumi"
        else:
            why = "the stack's state says neither"
        explained.append(replace(each, text=f"{each.text}; {why}"))
    return explained


def _of_service(wanted: ServiceState, running: ServiceState) -> Iterator[Drift]:
    if wanted.live != running.live:
        now = f"the live route says {running.live}" if running.live else "there is no live route"
        yield Drift(wanted.name, None, f"YAML says {wanted.live} is live, {now}")
    elif wanted.shares != running.shares:
        text = f"YAML says {_shares(wanted)} of the requests, the live route says {_shares(running)}"
        yield Drift(wanted.name, None, text)
    for cluster in sorted({*wanted.clusters, *running.clusters}):
        declared, there = wanted.clusters.get(cluster), running.clusters.get(cluster)
        if declared is None:
            yield Drift(wanted.name, cluster, "runs, but YAML does not declare it")
        elif there is None:
            yield Drift(wanted.name, cluster, "YAML declares it, but it does not run")
        else:
            yield from (Drift(wanted.name, cluster, text) for text in _of_cluster(declared, there))


def _shares(service: ServiceState) -> str:
    shares = [f"{cluster} {100 * share:.3g} %" for cluster, share in service.shares.items()]
    return ", ".join(shares) or f"{service.live} 100 %"


def _of_cluster(wanted: ClusterState, running: ClusterState) -> Iterator[str]:
    if wanted.version != running.version:
        yield f"YAML says version {wanted.version}, {running.version} runs"
    if isinstance(wanted.replicas, Autoscaling) and isinstance(running.replicas, Autoscaling):
        if wanted.replicas != running.replicas:
            yield f"YAML says {wanted.replicas}, its autoscaler {running.replicas}"
    elif not _is_as_wanted(wanted.replicas, running.replicas):
        yield f"YAML says {_pods(wanted.replicas)}, Kubernetes {_pods(running.replicas)}"
    if running.held not in (None, wanted.held) and isinstance(wanted.replicas, Autoscaling):
        yield f"YAML says min {wanted.replicas.min}, its autoscaler keeps {running.held} since a switch"
    for name in sorted({*wanted.resources, *running.resources}):
        declared, there = (each.resources.get(name, "0") for each in (wanted, running))
        if value_of(declared) != value_of(there):
            yield f"YAML says {name} {declared}, Kubernetes {there}"


def _is_as_wanted(wanted: int | Autoscaling, running: int | Autoscaling) -> bool:
    # Within its bounds the number is the autoscaler's decision.
    if isinstance(wanted, Autoscaling) and isinstance(running, int):
        return wanted.min <= running <= wanted.max
    return wanted == running


def _pods(count: int | Autoscaling) -> str:
    if isinstance(count, Autoscaling):
        return f"{count.min} to {count.max} replicas"
    return "1 replica" if count == 1 else f"{count} replicas"
