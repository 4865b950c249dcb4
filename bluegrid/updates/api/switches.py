"""`/switches` and `/services/{service}/switches`: previews of switches, requests for them, their progress."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.errors import not_found
from bluegrid.updates.jobs.switch import Switch, SwitchRequest
from bluegrid_registry import RegistryFile
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label

SwitchId = Annotated[int, Path(ge=1, le=2**62)]


class SwitchPreview(Frozen):
    """What a switch would do in a region."""

    region: Label
    changes: tuple[str, ...]
    """What changes for the service, each a sentence."""
    steps: tuple[str, ...]
    """What Pulumi would do, a line for each resource."""
    errors: tuple[str, ...]
    """Why Pulumi would refuse."""
    refusal: str | None
    """Why the cluster cannot take over now; None: it can."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)
    may_read, may_switch = deps.allowed(Scope.READ), deps.allowed(Scope.SWITCH)

    @router.get("/services/{service}/switches/preview", dependencies=[may_switch])
    def preview(service: Label, cluster: Label, region: Label | None = None) -> Sequence[SwitchPreview]:
        """What a switch would do, by a preview of Pulumi's: nothing changes."""
        file = _with_cluster(deps, service, cluster)
        regions = deps.switch_runner.regions_of(file, [region] if region else None)
        return [
            SwitchPreview(
                region=each.region,
                changes=each.rehearsal.changes,
                steps=each.rehearsal.steps,
                errors=each.rehearsal.errors,
                refusal=each.refusal,
            )
            for each in deps.switch_runner.rehearse(service, cluster, regions)
        ]

    @router.post("/services/{service}/switches", status_code=202)
    def switch(
        service: Label, request: SwitchRequest, response: Response, author: Annotated[str, may_switch]
    ) -> Switch:
        """Make a cluster live, region by region; if it fails in one region, all are switched back."""
        file = _with_cluster(deps, service, request.cluster)
        regions = deps.switch_runner.regions_of(file, request.regions)
        before = [deps.live_before(file, region) for region in regions]
        is_way_back = all(each is not None and each.cluster == request.cluster for each in before)
        added = deps.switches.add(
            file.set.id, service, request.cluster, regions, author, is_way_back=is_way_back
        )
        deps.switch_runner.worker.wake()
        response.headers["Location"] = f"/switches/{added.id}"
        return added

    @router.get("/switches", dependencies=[may_read])
    def switches(
        service: Label | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 20
    ) -> Sequence[Switch]:
        """Switches, newest first."""
        return deps.switches.list(service, limit)

    @router.get("/switches/{switch_id}", dependencies=[may_read])
    def one_switch(switch_id: SwitchId) -> Switch:
        """One switch, and its progress."""
        return deps.switches.get(switch_id)

    return router


def _with_cluster(deps: Dependencies, service: str, cluster: str) -> RegistryFile:
    """Return the file of a service that declares the cluster, or raise ApiError."""
    file = deps.file_of_service(service)
    assert file.service is not None  # noqa: S101 - it was found by its service
    known = [each.id for each in file.service.clusters]
    if cluster not in known:
        raise not_found(f"service {service} has no cluster {cluster}; declared: {', '.join(known)}")
    return file
