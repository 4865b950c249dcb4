"""`bluegrid schema`: the JSON schemas by which editors complete and check YAML files."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from bluegrid.cli.tree import command
from bluegrid.project.settings import stack_schema
from bluegrid_registry.registry_files.json_schema import json_schema


class FileKind(StrEnum):
    """What is described."""

    REGISTRY = "registry"
    STACK = "stack"


@command(epilog="Example: `bluegrid schema registry > registry/schema.json`")
def schema(
    kind: Annotated[
        FileKind,
        typer.Argument(help="registry: the file of a model set; stack: Pulumi.<stack>.yaml in stacks/."),
    ],
) -> None:
    """Print the JSON schema of a registry file or a stack's file.

    Editors find it by a file's first line: `# yaml-language-server: $schema=schema.json`.
    """
    text = json_schema() if kind is FileKind.REGISTRY else json.dumps(stack_schema(), indent=2) + "\n"
    typer.echo(text, nl=False)
