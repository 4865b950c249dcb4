"""The regions that a command changes: the stack's alone, unless the command says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from bluegrid.project import region_names, resolve_place, stack_names
from bluegrid_registry import ConfigError, RegistryError, require_region

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid.project import Place
    from bluegrid_registry import Service, ValueEdit


@dataclass(frozen=True)
class Regions:
    """The regions that an edit of a service changes.

    Attributes:
        place: the stack that is updated with `--up`.
        region: the only region that changes; None: all of them.
        everywhere: whether all change, also if they differ now.
        known: the regions of a service that names none: those of stacks with platforms of their own.
    """

    place: Place
    region: str | None
    everywhere: bool
    known: tuple[str, ...]

    @classmethod
    def of(
        cls,
        stacks: Path,
        stack: str | None,
        region: str | None,
        config_file: Path | None,
        *,
        everywhere: bool,
        up: bool,
    ) -> Regions:
        """Return the regions that the options of a command name.

        Args:
            stacks: folder of the stacks' files.
            stack: name of the stack; None: none is named.
            region: the region in place of the stack's.
            config_file: the stack's settings, in place of its file in `stacks`.
            everywhere: whether all regions change.
            up: whether the stack is updated.

        Raises:
            ConfigError: there is no such stack, or another region than the stack's is to be applied.
            RegistryError: there are stacks, and none is of the region.
        """
        if everywhere and region is not None:
            raise typer.BadParameter(
                "names one of the regions that --everywhere changes", param_hint="--region"
            )
        place = resolve_place(stacks, stack, config_file=config_file)
        if up and region is not None and region != place.region:
            fault = f"stack {place.required_stack} is region {place.region}, and the change is of {region}"
            raise ConfigError(f"{fault}: --up would not apply it; name that region's stack")
        known = _known(stacks, config_file)
        changed = None if everywhere else region or place.region
        if changed is not None and known:
            require_region(changed, known)
        return cls(place, changed, everywhere, _known(stacks, config_file, with_own_platform=True))

    def of_service(self, service: Service, *, up: bool) -> Regions:
        """Return the regions of a service: where nothing names a stack to update, its only region's stack.

        The registry says where the service is, so that this is no guess (docs/adr/0053).

        Args:
            service: whose regions change.
            up: whether a stack is updated.

        Raises:
            RegistryError: the named stack does not have the service.
        """
        place = self.place
        if place.stack is not None and place.platform and service.regions is None and self.region is not None:
            raise RegistryError(
                f"{place.region} has only services that name it, and {service.name} names no regions; see "
                "`bluegrid stack move --help`"
            )
        if not up or place.stack is not None or self.region is not None or self.everywhere:
            return self
        only = [*dict.fromkeys(service.regions or ())]
        found = [name for name in stack_names(place.stacks) if [_region_of(place.stacks, name)] == only]
        if len(found) != 1:
            return self
        typer.echo(f"{service.name} is in {only[0]} alone: stack {found[0]} is updated", err=True)
        return replace(self, place=resolve_place(place.stacks, found[0]), region=only[0])

    def where(self, service: Service) -> str:
        """Return the words for the regions that change, empty if there is only one."""
        if self.region is not None:
            return f" in {self.region}"
        regions = service.regions or self.known
        return f" in all regions ({', '.join(regions)})" if len(regions) > 1 else ""


def require_named(edits: Iterable[ValueEdit], stacks: Path, config_file: Path | None) -> None:
    """Refuse edits of a service that name regions without a stack's file.

    Raises:
        RegistryError: there are such files, and none is of the region.
    """
    known = _known(stacks, config_file)
    for edit in edits:
        for region in (edit.value or ()) if known and edit.path == ("regions",) else ():
            require_region(str(region), known)


def _known(stacks: Path, config_file: Path | None, *, with_own_platform: bool = False) -> tuple[str, ...]:
    """Return the regions that have a stack's file, in a folder or beside a file that is named."""
    folders = {stacks, config_file.parent} if config_file else {stacks}
    names = (region_names(folder, with_own_platform=with_own_platform) for folder in folders)
    return tuple(sorted({name for each in names for name in each}))


def _region_of(stacks: Path, stack: str) -> str | None:
    return resolve_place(stacks, stack).region
