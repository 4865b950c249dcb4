"""The live route of a service before an update: whether an update that failed has changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.cli.place import connect
from bluegrid.operations import KubernetesError, ask_live_clusters

if TYPE_CHECKING:
    from bluegrid.project import Place, Target


@dataclass(frozen=True)
class RouteBefore:
    """The clusters that the live route led to before an update.

    Attributes:
        place: where the route is.
        target: the update.
        live: the clusters that got requests, the live one first; None: this login may not read routes.
    """

    place: Place
    target: Target
    live: tuple[str, ...] | None

    @classmethod
    def read(cls, place: Place, target: Target) -> RouteBefore:
        """Read the live route of the target's service.

        Raises:
            KubernetesError: the API server does not answer: the update would fail too.
            ConfigError: nothing names the context.
        """
        try:
            return cls(place, target, ask_live_clusters(connect(place), target.service))
        except KubernetesError as error:
            if error.status is None:
                raise KubernetesError(f"{error}; nothing is changed") from None
            return cls(place, target, None)

    @property
    def service(self) -> str:
        """Name of the service."""
        return self.target.service

    def live_now(self) -> tuple[str, ...] | None:
        """Return the clusters that get requests now; None: not known."""
        if self.live is None:
            return None
        try:
            return ask_live_clusters(connect(self.place), self.service)
        except KubernetesError:
            return None

    def is_wanted(self, live: tuple[str, ...]) -> bool:
        """Whether these are the clusters that the update makes live."""
        return {*live} == {*self.target.clusters}
