"""The regions that a command changes: the stack's alone, unless the command says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from bluegrid.project import region_names, resolve_place
from bluegrid_registry import ConfigError, require_region

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
        known: all regions that have a stack.
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
        return cls(place, changed, everywhere, known)

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


def _known(stacks: Path, config_file: Path | None) -> tuple[str, ...]:
    """Return the regions that have a stack's file, in a folder or beside a file that is named."""
    folders = {stacks, config_file.parent} if config_file else {stacks}
    return tuple(sorted({name for folder in folders for name in region_names(folder)}))
