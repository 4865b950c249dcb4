"""What the registry has for a stack, and whether that can be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_components.checks.live_services import OUTPUT
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.registry_files.registry import Registry

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import StackOutputs
    from bluegrid_components.config import StackConfig
    from bluegrid_registry.registry_files.schema import RegistryFile


def services_of(config: StackConfig, outputs: StackOutputs) -> tuple[RegistryFile, ...]:
    """Return the services of the stack's region, as large as they are there.

    Args:
        config: of the stack.
        outputs: where the last update has left the URLs of its services.

    Raises:
        ConfigError: the folder has no registry files, and services run; or a size is of no cluster.
        RegistryError: the files have mistakes.
    """
    registry = Registry.load(config.registry)
    online = ", ".join(sorted(outputs.get(OUTPUT) or ()))
    if online and not registry.files:
        raise ConfigError(
            f"bluegrid:registry: {config.registry} has no registry files, and {online} would be deleted; "
            "name the folder of the <set>.yaml files: pulumi config set bluegrid:registry FOLDER; to take "
            "all down, with the files as they were: pulumi destroy --run-program"
        )
    return config.sized(registry.in_region(config.region))
