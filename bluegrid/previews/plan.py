"""What `pulumi preview --json --show-sames` says: of every resource, what it was and what it will be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - pydantic reads these at run time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from bluegrid.states.kubernetes_object import Foreign, KubernetesObject
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAME = "same"
_SIZES = {"sizeFactor": "1", "replicas": "{}"}
"""Settings by which a region has its own numbers of pods, with what they are where it has none."""
_Urn = Annotated[str, StringConstraints(pattern=r"^urn:pulumi:[^:]+::[^:]+::.+::.+$")]


class _State(Foreign):
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    custom: bool = True


class PlannedStep(Foreign):
    """What is to become of one resource.

    Attributes:
        op: same, create, update, delete, replace, create-replacement, delete-replaced, read, ...
        urn: of the resource.
        old_state: what it was; None: it is new.
        new_state: what it will be; None: it goes.
        detailed_diff: changed properties by path.
    """

    op: str
    urn: _Urn
    old_state: _State | None = None
    new_state: _State | None = None
    detailed_diff: Mapping[str, Any] | None = None

    @property
    def is_custom(self) -> bool:
        """Whether a provider makes it; otherwise it is a component, or the stack itself."""
        states = [state for state in (self.old_state, self.new_state) if state is not None]
        return all(state.custom for state in states)

    @property
    def type(self) -> str:
        """The resource's own type, such as `kubernetes:apps/v1:Deployment`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.split("::")[3]


class _Diagnostic(Foreign):
    message: str = ""
    severity: str = ""


class Plan(Foreign):
    """All that one preview says.

    Attributes:
        steps: one for each resource.
        diagnostics: what engine, program and providers had to say.
        change_summary: how many resources each operation touches, whether or not there are steps of them.
        config: of the stack; secrets are marks that say so.
    """

    steps: tuple[PlannedStep, ...] = ()
    diagnostics: tuple[_Diagnostic, ...] = ()
    change_summary: Mapping[str, int] = Field(default_factory=dict)
    config: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def sizes(self) -> list[str]:
        """What this stack has set of its own to be larger or smaller than others, such as `sizeFactor 3`."""
        given = {key: str(self.config.get(f"bluegrid:{key}", none)) for key, none in _SIZES.items()}
        return [f"{key} {value}" for key, value in given.items() if value != _SIZES[key]]

    @property
    def stack(self) -> str:
        """Name of the stack; empty where the preview ended before its first step."""
        return self.steps[0].urn.split(":")[2] if self.steps else ""

    @property
    def errors(self) -> list[str]:
        """Why the preview failed, each reason once; none: it did not."""
        messages = [each.message.strip() for each in self.diagnostics if each.severity == "error"]
        return list(dict.fromkeys(messages))

    @property
    def left_out(self) -> int:
        """How many resources stay as they are and have no step here."""
        return self.change_summary.get(_SAME, 0) - sum(step.op == _SAME for step in self.steps)

    def listed(self) -> str:
        """Return a line for each resource that is touched, then how many are."""
        lines = [
            f"{step.op:<7} {step.type} {step.name}"
            + "".join(f"\n          {path}" for path in step.detailed_diff or ())
            for step in self.steps
            if step.op != _SAME
        ]
        counts = Counter(step.op for step in self.steps)
        counted = ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
        return "\n".join([*lines, counted or "no resources"])

    def objects_before(self) -> list[KubernetesObject]:
        """What there is in Kubernetes, as far as the stack knows."""
        return list(_objects((step.type, step.old_state) for step in self.steps))

    def objects_after(self) -> list[KubernetesObject]:
        """What there will be."""
        return list(_objects((step.type, step.new_state) for step in self.steps))


def _objects(states: Iterator[tuple[str, _State | None]]) -> Iterator[KubernetesObject]:
    for kind, state in states:
        if state is not None and kind.startswith("kubernetes:"):
            yield KubernetesObject(type=kind, inputs=state.inputs)


def read_plan(path: Path) -> Plan:
    """Read what `pulumi preview --json --show-sames` has printed.

    Raises:
        ConfigError: the file cannot be read, holds something else, or leaves out what stays as it is.
    """
    remedy = "write it with `pulumi preview --json --show-sames > FILE`"
    try:
        plan = Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; {remedy}") from None
    except ValidationError:
        raise ConfigError(f"{path}: is no JSON of a preview; {remedy}") from None
    # Without it a cluster that stays would be one that there is not.
    if plan.left_out > 0:
        raise ConfigError(f"{path}: leaves out {plan.left_out} resources that stay as they are; {remedy}")
    return plan
