"""An update: a request for a new version of a set, its state, and its result."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from bluegrid.updates.jobs.vocabulary import Vocabulary
from bluegrid_registry.formats.lineage import Lineage  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label, Uid  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.update_policy import RolloutKind, Value  # noqa: TC001

SCHEDULE = "schedule"
"""The author of updates that a schedule queues, in the database and in git; no token has this name."""
MAX_MODELS_BY_NAME = 10_000
"""The most models that a request may name; a batch may hold as many models as a version."""
MAX_LISTED = 10
"""The most models of each update that a list of updates names."""

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
StorePath = Annotated[str, StringConstraints(pattern=f"^{_SEGMENT}(/{_SEGMENT})*$", max_length=500)]
"""A path such as `nightly/2026-11-26`."""
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UpdateRequest(Frozen):
    """The contents of a new version: models from one origin, a base, or both."""

    version: Label | None = None
    """ID of the new version; absent: the next ID, v5 after v4."""
    base: Label | None = None
    """Start from this version's models; uploaded models replace them or are added."""
    without: Annotated[tuple[Pattern, ...], Field(max_length=MAX_MODELS_BY_NAME)] = ()
    """UIDs, or patterns such as `line-9*`, of the base's models to leave out."""
    batch: Digest | None = None
    """An upload: a tar archive of models as `bluegrid push` takes them from a folder."""
    models: Annotated[Mapping[Uid, Digest], Field(max_length=MAX_MODELS_BY_NAME)] = {}
    """Digests of uploads, each one model, by UID."""
    lineage: Annotated[Mapping[Uid, Lineage], Field(max_length=MAX_MODELS_BY_NAME)] = {}
    """Who trained each of `models`, and how good it is, by UID; a batch has it in its `lineage.json`."""
    path: StorePath | None = None
    """A folder of the store below `incoming/`, with models as `bluegrid push` takes them from a folder."""
    train: Mapping[Label, Value] | None = None
    """Have the set's trainer make the models, with these parameters in place of the defaults."""
    incompatible: bool = False
    """Whether models may have another number of features or kind of outputs than the base's models that they
    replace; without a base, than the models of the newest version."""

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
        if unknown := self.lineage.keys() - self.models.keys():
            raise ValueError(
                f"lineage: {min(unknown)} is not one of models; correct the UID, or send its model"
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
    """Something that the update needs does not answer: see `error` and `next_try`."""
    NOT_BACK = "not back"
    """The version failed and is still live somewhere; the server keeps trying to roll it back."""
    DONE = "done"
    """The version is in the store and in the registry; without a result, the trainer has changed nothing, and
    there is no version."""
    FAILED = "failed"
    """The version does not exist, unless there is a result; `error` has the reason."""
    ROLLED_BACK = "rolled_back"
    """The version is in the store and in the registry, but not online; `error` has the reason."""
    HELD_BACK = "held_back"
    """The version is on standby instead of live, since its quality is too low; `error` has the reason."""
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self not in OPEN


OPEN = (UpdateState.QUEUED, UpdateState.RUNNING, UpdateState.WAITING, UpdateState.NOT_BACK)
"""The states of an update that has not ended."""


def in_short(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with only the first of its models, for lists."""
    models, without = request.get("models") or {}, request.get("without") or ()
    some = dict(islice(models.items(), MAX_LISTED))
    lineage = {uid: each for uid, each in (request.get("lineage") or {}).items() if uid in some}
    return {**request, "models": some, "lineage": lineage, "without": [*without[:MAX_LISTED]]}


def named_models(request: Mapping[str, Any]) -> int:
    """Return how many models, and patterns to leave out, a request names."""
    return len(request.get("models") or {}) + len(request.get("without") or ())


class Lane(StrEnum):
    """The next task of an update; no lane waits for another."""

    TRAIN = "train"
    """Have the set's trainer make the models, which may take days."""
    PUBLISH = "publish"
    """Push the version, and add it to the registry."""
    ROLL_OUT = "roll out"
    """Bring the version online, if the set's rollout policy requires it."""
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
    """The result of an update, once the version is in the store and in the registry."""

    manifest: Digest
    models: int
    """How many models the version has."""
    sent_models: int
    """How many models were sent, because the store did not have them."""
    sent_bytes: int
    commit: str | None
    """The git commit that adds the version; None: the registry is not in git, or had the version already."""


class RolloutStep(Vocabulary):
    """The steps of a rollout; the steps of its switches are those of `bluegrid.promotion.Stage`."""

    WAITING = "waiting"
    """Waits for the end of a switch of the same service."""
    STARTING = "starting"
    """Starts the pods of a cluster that serves the version."""
    COMPARING = "comparing"
    """Compares answers of the live cluster and of the new cluster for recorded examples."""
    SWITCHING = "switching"
    REPLACING = "replacing"
    """Replaces the pods of the live cluster, in place."""
    BAKING = "baking"
    """Watches requests for errors."""
    GOING_BACK = "going back"
    """Restores the earlier version of the live cluster, in place."""
    GOING = "going"
    """Deletes the cluster or the service that the rollout made."""

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
    """The cluster that was live before, by region; in place: the version served before, by cluster."""
    back: str | None = None
    """Why the version is rolled back; None: it is not rolled back."""
    requests: int = 0
    """Requests that were answered in the bake of the last region."""
    failed: int = 0
    """How many of these requests failed."""
    baked_seconds: float = 0.0
    """Seconds since the bake of this region began."""
    bake_seconds: float | None = None
    """Seconds that the bake takes; None: no bake is running."""


class Update(Frozen):
    """An update in the queue."""

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
    """None: the version is not published yet, or there is none."""
    rollout: RolloutStatus | None
    tries: int
    """How often something that the update needs did not answer."""
    next_try: AwareDatetime | None
    """The time of the next try; None: the update does not wait."""
    error: str | None
