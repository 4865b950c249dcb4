"""A user's project, and its stacks: found, read.

project       the folder with `Pulumi.yaml`
stack_files   `Pulumi.<stack>.yaml`: where each stack's region runs
"""

from __future__ import annotations

from bluegrid.project.project import Project
from bluegrid.project.stack_files import (
    Stack,
    config_of,
    copy_with_registry,
    find_stack,
    region_names,
    stack_names,
    stack_of,
)

__all__ = [
    "Project",
    "Stack",
    "config_of",
    "copy_with_registry",
    "find_stack",
    "region_names",
    "stack_names",
    "stack_of",
]
