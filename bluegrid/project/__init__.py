"""A user's project and its stacks: finds and reads them, and runs Pulumi to update them.

project       the folder with `Pulumi.yaml`
stack_files   `Pulumi.<stack>.yaml`: where each stack's region runs
place         where a command works: a stack's file, and the options in place of it
stack_images  whether a stack has an image for every set that it serves
urns          the resources of services, as Pulumi names them
targets       the resources that an update is limited to
runner        how Pulumi is run
"""

from __future__ import annotations

from bluegrid.project.place import REGISTRY, Place, registry_of, resolve_place
from bluegrid.project.project import Project
from bluegrid.project.runner import (
    AT_ONCE,
    UpFailed,
    exported_resources,
    pulumi_environment,
    reason_of,
    run_attached,
    up,
    up_command,
)
from bluegrid.project.stack_files import (
    Stack,
    config_of,
    copy_with_registry,
    file_of,
    find_stack,
    region_names,
    region_of,
    stack_names,
)
from bluegrid.project.stack_images import check_images
from bluegrid.project.targets import PartialUpdate, Target, WholeServices, update_of_clusters
from bluegrid.project.urns import PLATFORMS, Urns

__all__ = [
    "AT_ONCE",
    "PLATFORMS",
    "REGISTRY",
    "PartialUpdate",
    "Place",
    "Project",
    "Stack",
    "Target",
    "UpFailed",
    "Urns",
    "WholeServices",
    "check_images",
    "config_of",
    "copy_with_registry",
    "exported_resources",
    "file_of",
    "find_stack",
    "pulumi_environment",
    "reason_of",
    "region_names",
    "region_of",
    "registry_of",
    "resolve_place",
    "run_attached",
    "stack_names",
    "up",
    "up_command",
    "update_of_clusters",
]
