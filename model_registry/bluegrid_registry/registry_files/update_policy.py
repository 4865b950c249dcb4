"""How a set gets new versions: by which program it is trained, when, and what then becomes of what runs."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from datetime import UTC, datetime
from enum import StrEnum
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

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.ignore_patterns import IgnorePattern  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.names import Label, ServiceName  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.quantities import Cpu, Memory  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"
"""A reference; what begins with a dash would be an option."""
_WORDS = {
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
    "quarterly": "0 0 1 1,4,7,10 *",
    "yearly": "0 0 1 1 *",
}
"""At midnight; weeks begin on Monday."""

Value = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, StringConstraints(max_length=1000)]
"""What a parameter can be."""


def _check_when(value: str) -> str:
    try:
        CronSim(_WORDS.get(value, value), datetime.now(UTC))
    except CronSimError as error:
        known = ", ".join(_WORDS)
        raise ValueError(f"{value!r} is neither {known} nor a cron expression: {error}") from None
    return value


def _check_time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError(f"{value!r} is no time zone; expected one such as UTC or Europe/Berlin")
    return value


class Schedule(Frozen):
    """When a set is trained anew by itself."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    when: Annotated[str, AfterValidator(_check_when)]
    """`daily`, `weekly`, `monthly`, `quarterly`, `yearly`, or a cron expression such as `30 2 * * 1-5`."""
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] = "UTC"
    """The zone that hours and days are of."""
    jitter_seconds: Annotated[StrictInt, Field(ge=0, le=86400)] = 0
    """Up to this much later, other for each set, so that not all begin at once."""

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times that follow, without jitter, each aware of its zone."""
        return CronSim(_WORDS.get(self.when, self.when), moment.astimezone(zoneinfo.ZoneInfo(self.time_zone)))


class Parameter(Frozen):
    """A parameter of a trainer, which a request may give another value."""

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
    """A container image that the program is in; absent: it is the server's own machine's."""
    command: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """The program and its arguments, which no shell reads; absent: the image's own."""
    parameters: Mapping[Label, Parameter] = {}
    """What it can be told, by name."""
    timeout_seconds: Annotated[StrictInt, Field(ge=1, le=7 * 86400)] = 3600
    """After which it is ended."""

    @model_validator(mode="after")
    def _is_a_program(self) -> Trainer:
        if not self.command and self.image is None:
            raise ValueError("names no program; give command, image or both")
        return self


class RolloutKind(StrEnum):
    """What follows once a version is there."""

    NONE = "none"
    """Nothing: people add a cluster and switch."""
    IN_PLACE = "in-place"
    """The live cluster's pods are replaced by pods of the new version, one after the other."""
    STANDBY = "standby"
    """A new cluster serves it beside the live one."""
    LIVE = "live"
    """That cluster is compared with the live one, becomes live, and is watched."""


class Tolerance(Frozen):
    """How far predictions of the new version may be from those of the live one."""

    rtol: Annotated[StrictFloat, Field(ge=0)] = 0.0
    """Of the live version's prediction."""
    atol: Annotated[StrictFloat, Field(ge=0)] = 0.0
    """On top, in the prediction's own unit."""
    share: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.0
    """Of the models that are compared, how many may be further off."""


class NewServicePolicy(Frozen):
    """The service that a set gets with its first version, one cluster in every region that the server has."""

    name: ServiceName
    """Unique in the registry."""
    replicas: Annotated[StrictInt, Field(ge=1)] = 1
    """Number of pods."""
    cpu: Cpu
    """CPU limit of one pod, a Kubernetes quantity."""
    memory: Memory
    """Memory limit of one pod, a Kubernetes quantity."""


class RolloutPolicy(Frozen):
    """What the update server does with a version that it has made."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    to: RolloutKind
    """How far it goes."""
    bake_seconds: Annotated[StrictInt, Field(ge=0, le=86400)] = 600
    """For which each region is watched after its switch."""
    errors: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.01
    """Share of the requests that may fail meanwhile, on top of what failed before."""
    within: Tolerance | None = None
    """Of answers to recorded inputs, sent to both clusters before the switch; absent: only nonsense fails."""
    service: NewServicePolicy | None = None
    """Of a set that has none yet; absent: it has to be declared first."""

    @model_validator(mode="after")
    def _only_what_goes_live_makes_a_service(self) -> RolloutPolicy:
        if self.service is not None and self.to is not RolloutKind.LIVE:
            raise ValueError(f"to {self.to} makes no service; take it out, or roll out to live")
        return self


class Retraining(Frozen):
    """How a set's versions come into being, and what becomes of them."""

    trainer: Trainer | None = None
    """Absent: its models come by request."""
    schedule: Schedule | None = None
    """Absent: by request only."""
    rollout: RolloutPolicy = RolloutPolicy(to=RolloutKind.NONE)
    """Absent: a new version waits for people."""
    ignore: tuple[IgnorePattern, ...] = ()
    """Files to ignore in what a trainer, batch or folder of the store gives, as patterns of .gitignore."""

    @model_validator(mode="after")
    def _has_whom_to_call(self) -> Retraining:
        if self.schedule is not None and self.trainer is None:
            raise ValueError("a schedule calls the trainer, and there is none; name one, or take it out")
        return self
