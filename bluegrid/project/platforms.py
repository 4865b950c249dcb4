"""Stacks that share a namespace: one makes the platform, the others use it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bluegrid.project.stack_files import PREFIX, config_of, find_stack, stack_names
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bluegrid.project.place import Place
    from bluegrid.project.stack_files import Stack
    from bluegrid_registry import Registry


def check_platforms(folder: Path) -> None:
    """Refuse stacks that name a platform which no stack makes in their namespace.

    Args:
        folder: of the stacks' files.

    Raises:
        ConfigError: the message has one line for each mistake.
    """
    names = [name for name in stack_names(folder) if _names_platform(folder, name)]
    if lines := [line for name in names for line in platform_faults(folder, name)]:
        raise ConfigError("\n".join(lines))


def platform_faults(folder: Path, name: str) -> Iterator[str]:
    """Yield what is wrong with the platform that a stack's file names; nothing if the stack makes its own."""
    stack = find_stack(folder, name)
    if stack.platform is None:
        return
    where = f"{stack.file}: {PREFIX}platform: {stack.platform}"
    change = f"pulumi config set --stack {name} {PREFIX}"
    try:
        owner = find_stack(folder, stack.platform)
    except ConfigError as error:
        yield f"{where}: {error}"
        return
    if owner.platform is not None:
        yield f"{where} uses the platform of {owner.platform} itself: {change}platform {owner.platform}"
    elif not are_together(stack, owner):
        yield (
            f"{where} is in namespace {owner.namespace} of context {owner.context}, and {name} in "
            f"{stack.namespace} of {stack.context}: {change}namespace {owner.namespace}, and kubeContext and "
            "kubeconfig alike"
        )


def neighbours_of(here: Stack | Place, folder: Path) -> list[Stack]:
    """Return the other stacks whose services run in the same namespace.

    Args:
        here: the stack.
        folder: of the stacks' files; those that cannot be read are left out.
    """
    others = []
    for name in stack_names(folder):
        with suppress(ConfigError):
            other = find_stack(folder, name)
            if other.region != here.region and are_together(here, other):
                others.append(other)
    return others


def services_of(others: Iterable[Stack], here: Stack | Place, registry: Registry) -> frozenset[str]:
    """Return the services that other stacks have, and this one has not."""
    others = [*others]
    declared = [file.service for file in registry.files if file.service]
    return frozenset(
        service.name
        for service in declared
        if not here.has(service) and any(other.has(service) for other in others)
    )


def are_together(one: Stack | Place, other: Stack | Place) -> bool:
    """Whether two stacks run in the same namespace."""
    return (one.context, one.namespace, one.kubeconfig) == (other.context, other.namespace, other.kubeconfig)


def _names_platform(folder: Path, name: str) -> bool:
    return bool(config_of(folder / f"Pulumi.{name}.yaml").get(f"{PREFIX}platform"))
