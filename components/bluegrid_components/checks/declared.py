"""Refuses a registry folder that is probably the wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.checks.live_services import OUTPUT
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_registry import Registry


def require_files(registry: Registry, folder: Path, outputs: UpdateOutputs) -> None:
    """Refuse a folder without registry files if the stack has services: it is usually a wrong folder.

    Args:
        registry: contents of the folder.
        folder: registry folder in the stack's settings.
        outputs: hold the URLs of the services since the last update.

    Raises:
        ConfigError: all services would be deleted.
    """
    online = ", ".join(sorted(outputs.get(OUTPUT) or ()))
    if online and not registry.files:
        raise ConfigError(
            f"bluegrid:registry: {folder} has no registry files, and {online} would be deleted; "
            f"name the folder of the <set>.yaml files: pulumi config set --stack {pulumi.get_stack()} "
            "bluegrid:registry FOLDER; to take "
            "all down, with the files as they were: pulumi destroy --run-program"
        )
