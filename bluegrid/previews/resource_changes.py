"""The changes of each resource in a plan, property by property."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from bluegrid.states import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid.previews.plan import Plan, PlannedStep

CREATE, DELETE, REPLACE, SAME = "create", "delete", "replace", "same"

_REPLACING = (REPLACE, "create-replacement", "delete-replaced")
"""Pulumi plans a replacement as one of these steps, or as all of them."""


@dataclass(frozen=True)
class Difference:
    """A changed property.

    Attributes:
        path: of the property, joined by dots; list elements by name, where they have names.
        old: None: it was absent, or is secret.
        new: None: it will be absent, or is secret.
    """

    path: str
    old: Any = None
    new: Any = None


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource.

    Attributes:
        op: `create`, `update`, `delete`, `replace`, or another of Pulumi's.
        type: the resource's type, such as `kubernetes:apps/v1:Deployment`.
        name: the resource's name.
        old: its inputs before; None: it is new.
        new: its inputs after; None: it is deleted.
        paths: changed properties according to its provider.
        is_component: whether it only groups other resources, and no provider makes it.
    """

    op: str
    type: str
    name: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    paths: tuple[str, ...] = ()
    is_component: bool = False

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return self.type.rpartition(":")[2]

    @property
    def object(self) -> KubernetesObject:
        """The Kubernetes object after the plan; of a deleted resource, before it."""
        return KubernetesObject(type=self.type, inputs=self.new or self.old or {})

    @property
    def differences(self) -> list[Difference]:
        """Changed properties; empty for a resource that is created or deleted."""
        if self.old is None or self.new is None:
            return []
        found = list(_between("", self.old, self.new))
        # The same mark hides the old and the new secret: only the provider knows that they differ.
        hidden = [path for path in map(_plain, self.paths) if not _is_known(path, found)]
        return found + [Difference(path) for path in dict.fromkeys(hidden)]


def changes_of(plan: Plan) -> list[ResourceChange]:
    """Return the resources that change; a replaced resource once."""
    steps = [step for step in plan.steps if step.op != SAME]
    # A resource with only a delete step is left from a replacement that an earlier update did not finish.
    replaced = dict.fromkeys(
        step.urn for step in steps if step.op in _REPLACING and step.new_state is not None
    )
    parts = [[step] for step in steps if step.urn not in replaced]
    parts += [[step for step in steps if step.urn == urn] for urn in replaced]
    return [_change(part) for part in parts]


def _change(steps: list[PlannedStep]) -> ResourceChange:
    first = steps[0]
    old = next((step.old_state.inputs for step in steps if step.old_state is not None), None)
    new = next((step.new_state.inputs for step in steps if step.new_state is not None), None)
    paths = dict.fromkeys(path for step in steps for path in step.detailed_diff or ())
    op = REPLACE if first.op in _REPLACING and new is not None else first.op
    is_component = not first.is_custom
    return ResourceChange(op, first.type, first.name, old, new, tuple(paths), is_component)


def _between(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        # Keys that start with __ are Pulumi's own.
        for key in sorted(key for key in {*old, *new} if not key.startswith("__")):
            yield from _between(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif _are_named(old) and _are_named(new):
        yield from _between(path, {each["name"]: each for each in old}, {each["name"]: each for each in new})
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new)):
            yield from _between(f"{path}.{index}", before, after)
    else:
        yield Difference(path, old, new)


def _are_named(values: Any) -> bool:
    """Whether each element of a list has a unique name, as containers and variables have."""
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        return False
    names = [each.get("name") for each in values]
    return all(isinstance(name, str) for name in names) and len({*names}) == len(names)


def _plain(path: str) -> str:
    """Return a provider's path up to its first index: in `Difference`, elements have names instead."""
    return re.sub(r'[\[\]".]+', ".", re.split(r"\[\d", path)[0]).strip(".")


def _is_known(path: str, found: Iterable[Difference]) -> bool:
    return any(
        f"{each.path}.".startswith(f"{path}.") or f"{path}.".startswith(f"{each.path}.") for each in found
    )
