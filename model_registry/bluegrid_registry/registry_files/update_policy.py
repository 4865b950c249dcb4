"""How a set gets new versions: the training program, its schedule, and the rollout."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from bluegrid_registry.formats.lineage import LineageName  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.ignore_patterns import IgnorePattern  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.names import Label, ServiceName  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.quantities import Cpu, Memory  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"
"""An image reference; with a leading dash it would be read as an option."""
_WORDS = {
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
    "quarterly": "0 0 1 1,4,7,10 *",
    "yearly": "0 0 1 1 *",
}
"""Named schedules as cron expressions: at midnight; weeks begin on Monday."""

Value = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, StringConstraints(max_length=1000)]
"""The types of a parameter's value."""


def _check_when(value: str) -> str:
    try:
        CronSim(_WORDS.get(value, value), datetime.now(UTC))
    except CronSimError as error:
        known = ", ".join(_WORDS)
        raise ValueError(f"{value!r} is neither {known} nor a cron expression: {error}") from None
    return value


@cache
def _time_zones() -> frozenset[str]:
    # The standard library reads hundreds of files for them each time.
    return frozenset(zoneinfo.available_timezones())


def _check_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError(f"{value!r} is not a time zone; write one such as UTC or Europe/Berlin")
    return value


class Schedule(Frozen):
    """The schedule on which a set is trained again."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    when: Annotated[str, AfterValidator(_check_when)]
    """`daily`, `weekly`, `monthly`, `quarterly`, `yearly`, or a cron expression such as `30 2 * * 1-5`."""
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] = "UTC"
    """Time zone of the schedule."""
    jitter_seconds: Annotated[StrictInt, Field(ge=0, le=86400)] = 0
    """Maximum delay of a run; the delay differs by set, so that sets do not all start together."""

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the due times after `moment`, without jitter, each with its time zone."""
        return CronSim(_WORDS.get(self.when, self.when), moment.astimezone(zoneinfo.ZoneInfo(self.time_zone)))


class Parameter(Frozen):
    """A parameter of a trainer; a request may override its default."""

    type: Literal["boolean", "integer", "number", "string"]
    default: Value

    @model_validator(mode="after")
    def _default_is_of_the_type(self) -> Parameter:
        if not self.takes(self.default):
            raise ValueError(f"default {self.default!r} is not of type {self.type}")
        return self

    def takes(self, value: Value) -> bool:
        """Whether a value is of the parameter's type."""
        of_python = {"boolean": bool, "integer": int, "string": str}.get(self.type, (int, float))
        return isinstance(value, of_python) and (self.type == "boolean" or not isinstance(value, bool))


class Trainer(Frozen):
    """The program that trains a set's models."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    image: Annotated[str, StringConstraints(pattern=_IMAGE, max_length=500)] | None = None
    """A container image with the program; absent: the program is on the server's machine."""
    command: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """The program and its arguments, run without a shell; absent: those of the image."""
    parameters: Mapping[Label, Parameter] = {}
    """Parameters of the trainer, by name."""
    timeout_seconds: Annotated[StrictInt, Field(ge=1, le=7 * 86400)] = 3600
    """Time limit of a run, in seconds; then it is stopped."""

    @model_validator(mode="after")
    def _is_a_program(self) -> Trainer:
        if not self.command and self.image is None:
            raise ValueError("names no program; give command, image or both")
        return self


class RolloutKind(StrEnum):
    """How far a new version is rolled out."""

    NONE = "none"
    """Not at all: people add a cluster and switch."""
    IN_PLACE = "in-place"
    """Pods of the new version replace the live cluster's pods, one after the other."""
    STANDBY = "standby"
    """A new cluster serves the version beside the live cluster."""
    LIVE = "live"
    """The new cluster is compared with the live one, becomes live, and is watched."""


class Tolerance(Frozen):
    """Allowed differences between predictions of the new version and of the live one."""

    rtol: Annotated[StrictFloat, Field(ge=0)] = 0.0
    """Largest relative difference, as a fraction of the live version's prediction."""
    atol: Annotated[StrictFloat, Field(ge=0)] = 0.0
    """Absolute difference in addition, in the prediction's own unit."""
    share: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.0
    """Fraction of the compared models that may differ by more."""


class QualityLimit(Frozen):
    """How much worse than the live version a new version may be, by a metric of the models' lineage.

    Models that were trained again count. Such a model is worse if its metric has moved in the wrong
    direction by more than `atol + worsen * |live|`, or is gone.
    """

    metric: LineageName
    """Name of the metric in `lineage.json`, such as `mae`."""
    better: Literal["lower", "higher"]
    """Which values are better: `lower` for errors such as `mae`, `higher` for `r2` or `accuracy`."""
    worsen: Annotated[StrictFloat, Field(ge=0, le=1)]
    """Allowed worsening of a model, as a fraction of the live version's value."""
    atol: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Allowed worsening in addition, in the metric's own unit; for values near zero."""
    share: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.05
    """Fraction of the counted models that may worsen by more."""


class NewServicePolicy(Frozen):
    """The service that a set gets with its first version: one cluster, in all regions of the server."""

    name: ServiceName
    """Unique in the registry."""
    replicas: Annotated[StrictInt, Field(ge=1)] = 1
    """Number of pods."""
    cpu: Cpu
    """CPU limit of one pod, a Kubernetes quantity."""
    memory: Memory
    """Memory limit of one pod, a Kubernetes quantity."""


class RolloutPolicy(Frozen):
    """How the update server rolls out its new versions."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    to: RolloutKind
    """How far a new version is rolled out."""
    bake_seconds: Annotated[StrictInt, Field(ge=0, le=86400)] = 600
    """How long each region is watched after its switch, in seconds."""
    errors: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.01
    """Fraction of requests that may fail while a region is watched, in addition to failures before."""
    within: Tolerance | None = None
    """Limits for answers to recorded inputs before the switch; absent: only invalid answers fail."""
    quality: QualityLimit | None = None
    """Limit for a metric of the models before the switch; absent: metrics do not matter."""
    service: NewServicePolicy | None = None
    """The service to create for a set without one; absent: the service must be declared first."""

    @model_validator(mode="after")
    def _only_live_makes_a_service(self) -> RolloutPolicy:
        if self.service is not None and self.to is not RolloutKind.LIVE:
            raise ValueError(f"to {self.to} makes no service; take it out, or roll out to live")
        return self

    @model_validator(mode="after")
    def _only_live_demands_quality(self) -> RolloutPolicy:
        if self.quality is not None and self.to is not RolloutKind.LIVE:
            raise ValueError(f"to {self.to} compares no quality; take it out, or roll out to live")
        return self


class Retraining(Frozen):
    """How new versions of a set are made and rolled out."""

    trainer: Trainer | None = None
    """The trainer; absent: requests bring the models."""
    schedule: Schedule | None = None
    """When the trainer runs; absent: on request only."""
    rollout: RolloutPolicy = RolloutPolicy(to=RolloutKind.NONE)
    """How new versions are rolled out; absent: people do so."""
    ignore: tuple[IgnorePattern, ...] = ()
    """Files to ignore in a trainer's output, a batch or a folder of the store: patterns as in .gitignore."""

    @model_validator(mode="after")
    def _schedule_has_a_trainer(self) -> Retraining:
        if self.schedule is not None and self.trainer is None:
            raise ValueError("a schedule calls the trainer, and there is none; name one, or take it out")
        return self
