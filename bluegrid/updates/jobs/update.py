"""What an update is: a request for one more version of a set, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label, Uid  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.update_policy import RolloutKind, Value  # noqa: TC001

SCHEDULE = "schedule"
"""The author of what the calendar asks for, in the queue and in git; no token has the name."""
MAX_MODELS_BY_NAME = 10_000
"""Models that one request may name; a batch holds as many as a version may."""

MAX_LISTED = 10
"""Models that a list of updates names of each."""

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
StorePath = Annotated[str, StringConstraints(pattern=f"^{_SEGMENT}(/{_SEGMENT})*$", max_length=500)]
"""Such as `nightly/2026-11-26`."""
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UpdateRequest(Frozen):
    """The version that is to come into being: from models of one origin, from a base, or from both."""

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
    """Let the set's trainer make the models, with these parameters in place of their defaults."""
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
        """The digests of what has to be there first."""
        return frozenset(self.models.values()) | ({self.batch} if self.batch else frozenset())


class UpdateState(StrEnum):
    """How far an update is."""

    QUEUED = "queued"
    """Waits for its turn: to be trained, to be published, or to be rolled out."""
    RUNNING = "running"
    WAITING = "waiting"
    """Something that it needs does not answer: `error` says what, `next_try` when it is tried again."""
    NOT_BACK = "not back"
    """The version did badly and is still live somewhere; what was live before is tried to be live again."""
    DONE = "done"
    """The version is in the store and in the registry."""
    FAILED = "failed"
    """There is no such version, unless there is a result; `error` says why."""
    WENT_BACK = "went back"
    """The version is in the store and in the registry, and not online; `error` says why."""
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in OPEN


OPEN = (UpdateState.QUEUED, UpdateState.RUNNING, UpdateState.WAITING, UpdateState.NOT_BACK)
"""The states of an update to which something will happen yet."""


def in_short(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request for a list of many: with the first few of the models that it names."""
    models, without = wanted.get("models") or {}, wanted.get("without") or ()
    some = dict(islice(models.items(), MAX_LISTED))
    return {**wanted, "models": some, "without": [*without[:MAX_LISTED]]}


def named_models(wanted: Mapping[str, Any]) -> int:
    """Return how many models, and patterns to leave out, a request names."""
    return len(wanted.get("models") or {}) + len(wanted.get("without") or ())


class Lane(StrEnum):
    """What has to be done next for an update; no lane waits for another one."""

    TRAIN = "train"
    """Its models, by the set's trainer: it may take days."""
    PUBLISH = "publish"
    """The version, in the store and in the registry."""
    ROLL_OUT = "roll out"
    """The version, if that is what its set wants."""
    GO_BACK = "go back"
    """From a version that did badly and is still live somewhere."""


class UpdateProgress(Frozen):
    """How much of a push has been done."""

    models: int
    bytes: int
    total_models: int | None


class UpdateResult(Frozen):
    """What an update has made."""

    manifest: Digest
    models: int
    """Models of the version."""
    sent_models: int
    """Models that the store did not have."""
    sent_bytes: int
    commit: str | None
    """The git commit that names the version; None: the registry is not under git, or it was there already."""


class RolloutStatus(Frozen):
    """How far a version is on its way online."""

    to: RolloutKind
    step: str
    """What is being done, such as `north: baking`, or was done last."""
    cluster: Label | None = None
    """Whose pods serve it."""
    service: Label | None = None
    """The service that the set had not before."""
    before: Mapping[Label, Label] = {}
    """By region, the cluster that was live before; in place, by cluster, the version that it served."""
    back: str | None = None
    """Why it goes back, or went; None: it goes on."""
    requests: int = 0
    """Answered in the bake of the last region."""
    failed: int = 0
    """Of them, those that failed."""
    baked_seconds: float = 0.0
    """Since the bake of this region began."""
    bake_seconds: float | None = None
    """Which it takes; None: nothing bakes now."""


class Update(Frozen):
    """An update as the queue has it."""

    id: int
    set: Label
    wanted: UpdateRequest
    author: str
    """Name of the token that asked for it."""
    state: UpdateState
    version: Label | None
    """The version's ID, once it is chosen."""
    named_models: int = 0
    """How many models, and patterns to leave out, the request names; lists show the first few."""
    created: AwareDatetime
    ended: AwareDatetime | None
    cancel: bool
    """Whether somebody asked for it to be cancelled."""
    progress: UpdateProgress | None
    result: UpdateResult | None
    """What there is once the version is there, also while it is rolled out."""
    rollout: RolloutStatus | None
    tries: int
    """How often something that it needs did not answer."""
    next_try: AwareDatetime | None
    """When it is tried again; None: it does not wait."""
    error: str | None
