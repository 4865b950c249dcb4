"""The output of `pulumi preview --json --show-sames`: each resource before and after an update."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - pydantic reads these at run time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from bluegrid.states.kubernetes_object import Foreign, KubernetesObject
from bluegrid_registry.counts import counted
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAME = "same"
_SIZES = {"sizeFactor": "1", "replicas": "{}"}
"""Settings that give a region its own numbers of pods, with their defaults."""
_Urn = Annotated[str, StringConstraints(pattern=r"^urn:pulumi:[^:]+::[^:]+::.+::.+$")]


class _State(Foreign):
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    custom: bool = True


class PlannedStep(Foreign):
    """The planned step of one resource.

    Attributes:
        op: same, create, update, delete, replace, create-replacement, delete-replaced, read, ...
        urn: of the resource.
        old_state: before; None: the resource is new.
        new_state: after; None: the resource is deleted.
        detailed_diff: changed properties by path.
    """

    op: str
    urn: _Urn
    old_state: _State | None = None
    new_state: _State | None = None
    detailed_diff: Mapping[str, Any] | None = None

    @property
    def is_custom(self) -> bool:
        """Whether a provider makes the resource; otherwise it is a component, or the stack itself."""
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


class Excerpt(Foreign):
    """What a preview covers that does not cover all services.

    Attributes:
        services: the services that it covers; none: no service is concerned.
        applied: the commit of the registry that was applied last; None: it is not known.
        waiting: what else differs from that commit, and comes with the next update: other services, or files
            and settings of all services; None: it is not known.
        others: objects of other services that stay, as far as quotas count them.
    """

    services: tuple[str, ...]
    applied: str | None = None
    waiting: tuple[str, ...] | None = None
    others: tuple[KubernetesObject, ...] = ()


class Plan(Foreign):
    """A preview of one stack.

    Attributes:
        steps: one for each resource.
        diagnostics: messages of engine, program and providers.
        change_summary: how many resources each operation touches, also those without a step here.
        config: of the stack; a mark stands for a secret.
        excerpt: what the preview covers; None: all services.
    """

    steps: tuple[PlannedStep, ...] = ()
    diagnostics: tuple[_Diagnostic, ...] = ()
    change_summary: Mapping[str, int] = Field(default_factory=dict)
    config: Mapping[str, Any] = Field(default_factory=dict)
    excerpt: Excerpt | None = Field(None, alias="bluegrid")

    @property
    def sizes(self) -> list[str]:
        """The settings that make this stack larger or smaller than others, such as `sizeFactor 3`."""
        values = {key: str(self.config.get(f"bluegrid:{key}", default)) for key, default in _SIZES.items()}
        return [f"{key} {value}" for key, value in values.items() if value != _SIZES[key]]

    @property
    def stack(self) -> str:
        """Name of the stack; empty if the preview ended before its first step."""
        return self.steps[0].urn.split(":")[2] if self.steps else ""

    @property
    def errors(self) -> list[str]:
        """Why the preview failed, each reason once; empty: it did not fail."""
        messages = [each.message.strip() for each in self.diagnostics if each.severity == "error"]
        return list(dict.fromkeys(messages))

    @property
    def left_out(self) -> int:
        """How many unchanged resources have no step here."""
        return self.change_summary.get(_SAME, 0) - sum(step.op == _SAME for step in self.steps)

    def listed(self) -> str:
        """Return a line for each resource that changes, then their number by operation."""
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
        """The Kubernetes objects before the update, according to the stack's state."""
        return list(_objects((step.type, step.old_state) for step in self.steps))

    def objects_after(self) -> list[KubernetesObject]:
        """The Kubernetes objects after the update."""
        return list(_objects((step.type, step.new_state) for step in self.steps))

    def objects_of_others(self) -> list[KubernetesObject]:
        """The objects of services that the preview does not cover, as far as quotas count them."""
        return list(self.excerpt.others) if self.excerpt else []


def _objects(states: Iterator[tuple[str, _State | None]]) -> Iterator[KubernetesObject]:
    for kind, state in states:
        if state is not None and kind.startswith("kubernetes:"):
            yield KubernetesObject(type=kind, inputs=state.inputs)


def read_plan(path: Path) -> Plan:
    """Read the output of `pulumi preview --json --show-sames`.

    Raises:
        ConfigError: the file cannot be read, is not such output, or leaves out unchanged resources.
    """
    remedy = "write it with `pulumi preview --json --show-sames > FILE`"
    try:
        plan = Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; {remedy}") from None
    except ValidationError:
        raise ConfigError(f"{path}: is not the JSON of a preview; {remedy}") from None
    # Without its step, a cluster that stays would seem to be missing.
    if plan.left_out > 0:
        raise ConfigError(f"{path}: leaves out {counted(plan.left_out, 'unchanged resource')}; {remedy}")
    return plan
