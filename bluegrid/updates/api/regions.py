"""`/regions` and `/status`: the regions of this server, and what runs there."""

from collections.abc import Sequence

from fastapi import APIRouter

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.errors import not_found
from bluegrid.updates.region_watcher import RegionStatus
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label


class ServerRegion(Frozen):
    """A region of this server."""

    region: Label
    stack: str


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/regions")
    def regions() -> Sequence[ServerRegion]:
        """The regions of this server, in order, without a request to any of them."""
        stacks = deps.rollouts.stacks.declared()
        return [ServerRegion(region=stack.region, stack=stack.name) for stack in stacks]

    @router.get("/status")
    def status(region: Label | None = None) -> Sequence[RegionStatus]:
        """What runs in every region of this server, from Kubernetes and from the pods.

        With `region` the response comes within 2 s, with the last known status where the region has not
        answered by then; without it the server waits for every region.
        """
        found = deps.watcher.regions(region)
        if region is not None and not found:
            known = dict.fromkeys(stack.region for stack in deps.rollouts.stacks.declared())
            raise not_found(f"this server has no region {region}; it has {', '.join(known) or 'none'}")
        return found

    return router
