"""An update: a request for a new version of a set, its state, and its result."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from bluegrid.updates.jobs.vocabulary import Vocabulary
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label, Uid  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.update_policy import RolloutKind, Value  # noqa: TC001

SCHEDULE = "schedule"
"""The author of updates that a schedule queues, in the database and in git; no token has this name."""
MAX_MODELS_BY_NAME = 10_000
"""The most models that a request may name; a batch may hold as many as a version."""
MAX_LISTED = 10
"""The most models of each update that a list of updates names."""

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
StorePath = Annotated[str, StringConstraints(pattern=f"^{_SEGMENT}(/{_SEGMENT})*$", max_length=500)]
"""Such as `nightly/2026-11-26`."""
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UpdateRequest(Frozen):
    """What the new version is made of: models of one origin, a base, or both."""

    version: Label | None = None
    """Its ID; absent: the next, v5 after v4."""
    base: Label | None = None
    """Start from this version's models; what is uploaded replaces them or is added."""
    without: Annotated[tuple[Pattern, ...], Field(max_length=MAX_MODELS_BY_NAME)] = ()
    """UIDs, or patterns such as `line-9*`, of the base's models to leave out."""
    batch: Digest | None = None
    """An upload: a tar archive of models as `bluegrid push` takes them from a folder."""
    models: Annotated[Mapping[Uid, Digest], Field(max_length=MAX_MODELS_BY_NAME)] = {}
    """Uploads by the UID of the model that each is."""
    path: StorePath | None = None
    """A folder of the store below `incoming/`, with models as `bluegrid push` takes them from a folder."""
    train: Mapping[Label, Value] | None = None
    """Have the set's trainer make the models, with these parameters instead of their defaults."""
    incompatible: bool = False
    """Whether models may take another number of features, or give another kind of answers, than those of the
    base that they replace; without a base, than those of the newest version."""

    @model_validator(mode="after")
    def _has_models(self) -> UpdateRequest:
        given = [
            self.batch is not None,
            bool(self.models),
            self.path is not None,
            self.train is not None,
        ]
        if sum(given) > 1:
            raise ValueError("models come from one of batch, models, path and train")
        if not any(given) and not (self.base and self.without):
            raise ValueError(
                "names no models: give batch, models, path, train, or a base and what to leave out"
            )
        if self.without and self.base is None:
            raise ValueError("without names models of a version; give it as base")
        return self

    @property
    def uploads(self) -> frozenset[str]:
        """The digests of the uploads that the request names."""
        return frozenset(self.models.values()) | ({self.batch} if self.batch else frozenset())


class UpdateState(Vocabulary):
    """The state of an update."""

    QUEUED = "queued"
    """The update waits to be trained, published or rolled out."""
    RUNNING = "running"
    WAITING = "waiting"
    """Something that the update needs does not answer: `error` says what, `next_try` when the next try is."""
    NOT_BACK = "not back"
    """The version failed and is still live somewhere; the server keeps trying to roll it back."""
    DONE = "done"
    """The version is in the store and in the registry."""
    FAILED = "failed"
    """There is no such version, unless there is a result; `error` says why."""
    ROLLED_BACK = "rolled_back"
    """The version is in the store and in the registry, but not online; `error` says why."""
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self not in OPEN


OPEN = (UpdateState.QUEUED, UpdateState.RUNNING, UpdateState.WAITING, UpdateState.NOT_BACK)
"""The states of an update that has not ended."""


def in_short(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with only the first of the models that it names, for lists."""
    models, without = request.get("models") or {}, request.get("without") or ()
    some = dict(islice(models.items(), MAX_LISTED))
    return {**request, "models": some, "without": [*without[:MAX_LISTED]]}


def named_models(request: Mapping[str, Any]) -> int:
    """Return how many models, and patterns to leave out, a request names."""
    return len(request.get("models") or {}) + len(request.get("without") or ())


class Lane(StrEnum):
    """What has to be done next for an update; no lane waits for another."""

    TRAIN = "train"
    """Have the set's trainer make the models, which may take days."""
    PUBLISH = "publish"
    """Push the version, and add it to the registry."""
    ROLL_OUT = "roll out"
    """Bring the version online, if its set wants that."""
    GO_BACK = "go back"
    """Roll back a version that failed and is still live somewhere."""


class UpdateProgress(Frozen):
    """The progress of a push."""

    models: int
    """Models that are in the store."""
    bytes: int
    """Bytes that were sent, compressed."""
    total_models: int | None
    """None: not known yet."""


class UpdateResult(Frozen):
    """What an update has made, once the version is in the store and in the registry."""

    manifest: Digest
    models: int
    """How many models the version has."""
    sent_models: int
    """How many of them the store did not have."""
    sent_bytes: int
    commit: str | None
    """The git commit that adds the version; None: the registry is not in git, or had the version already."""


class RolloutStep(Vocabulary):
    """The steps of a rollout; while it switches regions, they are those of `bluegrid.promotion.Stage`."""

    WAITING = "waiting"
    """For a switch of the same service to end."""
    STARTING = "starting"
    """The pods of a cluster that serves the version."""
    COMPARING = "comparing"
    """Recorded examples, between the live cluster and the new one."""
    SWITCHING = "switching"
    REPLACING = "replacing"
    """The pods of the live cluster, in place."""
    BAKING = "baking"
    """Requests are watched for errors."""
    GOING_BACK = "going back"
    """The live cluster serves its earlier version again, in place."""
    GOING = "going"
    """The cluster or the service that the rollout made is being deleted."""

    def of(self, place: str) -> str:
        """Return the step of a cluster, a region or a service, such as `north: baking`."""
        return f"{place}: {self}"


class RolloutStatus(Frozen):
    """The progress of a rollout."""

    to: RolloutKind
    step: str
    """The current or the last step of a cluster, a region or a service, such as `north: baking`."""
    cluster: Label | None = None
    """The cluster that serves the version."""
    service: Label | None = None
    """The service, if the rollout made it."""
    before: Mapping[Label, Label] = {}
    """By region, the cluster that was live before; in place, by cluster, the version that it served."""
    back: str | None = None
    """Why the version is rolled back; None: it is not."""
    requests: int = 0
    """Requests that were answered in the bake of the last region."""
    failed: int = 0
    """How many of them failed."""
    baked_seconds: float = 0.0
    """Seconds since the bake of this region began."""
    bake_seconds: float | None = None
    """Seconds that the bake takes; None: no bake is running."""


class Update(Frozen):
    """An update as the queue has it."""

    id: int
    set: Label
    wanted: UpdateRequest
    author: str
    """The name of the token that requested it, or `schedule`."""
    state: UpdateState
    version: Label | None
    """The ID of the version, once it is chosen."""
    named_models: int = 0
    """How many models, and patterns to leave out, the request names; lists show only the first."""
    created: AwareDatetime
    ended: AwareDatetime | None
    cancel: bool
    """Whether somebody requested that the update be cancelled."""
    progress: UpdateProgress | None
    result: UpdateResult | None
    """None: the version is not published yet."""
    rollout: RolloutStatus | None
    tries: int
    """How often something that the update needs did not answer."""
    next_try: AwareDatetime | None
    """The time of the next try; None: the update does not wait."""
    error: str | None
