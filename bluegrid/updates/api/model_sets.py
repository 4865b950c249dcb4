"""`/modelSets`: the model sets that the registry declares."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid_registry import RegistryFile
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label


class SetRow(Frozen):
    """A model set."""

    id: Label
    name: str
    type: str
    """Framework and file type, such as `scikit-learn/skops`."""
    source: str
    """`platform` or `user`."""
    versions: int
    """How many versions the set has."""
    service: str | None
    """The service that serves the set; None: the set is not online."""
    fault: str | None
    """A mistake in the set's file, which is used as it was before; None: the file has none."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/modelSets")
    def sets() -> Sequence[SetRow]:
        """Every model set."""
        faults = deps.cache.faults()
        return [_row(file, faults) for file in deps.files()]

    @router.get("/modelSets/{set_id}")
    def one_set(set_id: Label) -> SetRow:
        """One model set."""
        return _row(deps.file_of(set_id), deps.cache.faults())

    return router


def _row(file: RegistryFile, faults: Mapping[str, str]) -> SetRow:
    model_set = file.set
    return SetRow(
        id=model_set.id,
        name=model_set.name,
        type=str(model_set.type),
        source=model_set.source,
        versions=len(file.versions),
        service=file.service.name if file.service else None,
        fault=faults.get(model_set.id),
    )
