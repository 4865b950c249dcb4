"""`bluegrid init`: a new project."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project.new_project import NewProject
from bluegrid.project.new_stack import NewStack, parsed_settings, secret_settings
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ContinuousIntegration(StrEnum):
    """Values of `--ci`."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


_REGION = "{region}"
"""In a setting, the name of the region that is written."""


@command(
    epilog="Example: `bluegrid init grid-models --region north --store s3://models/grid?region=eu-1 "
    "--context north --image registry.example.org/bluegrid@sha256:...`"
)
def init(
    name: Annotated[str, typer.Argument(help="The project, and its folder.")],
    region: Annotated[
        list[str], typer.Option(help="A region where the services run; one stack each; may be repeated.")
    ],
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The store that pods fetch versions from: s3://bucket/prefix?endpoint=..."
        ),
    ] = None,
    context: Annotated[str | None, typer.Option(help="The kube context.")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[FAMILY=]REFERENCE",
            help="Image of the model server, best by digest, for all sets or for those of a family of "
            "frameworks, such as lightgbm=reference@sha256:...; may be repeated.",
        ),
    ] = None,
    settings: options.Settings = None,
    secrets_provider: options.SecretsProvider = None,
    ci: Annotated[
        ContinuousIntegration, typer.Option(help="Whose workflows preview and apply changes.")
    ] = ContinuousIntegration.GITHUB,
    observability: Annotated[
        bool,
        typer.Option(
            "--observability", help="Also write Prometheus rules, monitors and a Grafana dashboard."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Start a project in a new folder, with a stack for each region.

    It has the program of `pulumi up`, an empty registry and workflows, and is a git repository. In values,
    {region} is replaced by the name of each region. What a stack needs and is not named here stands in its
    file as a comment. `pulumi new` with the URL of the template lays down the same files.
    """
    named = {"kubeContext": context, "store": store, **_images(image or ())}
    values = {key: value for key, value in named.items() if value} | parsed_settings(settings or ())
    stacks = [NewStack(each, _in_region(values, each), secrets_provider) for each in region]
    project = NewProject(Path(name), stacks, ci.value, is_observed=observability)
    files = project.write()
    commands = _next(name, stacks[0])
    missing = {stack.file_name: [*stack.missing] for stack in stacks if stack.missing}
    text = [f"{project.name}: {len(files)} files; next", *(f"  {each}" for each in commands)]
    text += [f"fill in {name}/stacks/{file}: {', '.join(keys)}" for file, keys in missing.items()]
    data = {
        "project": project.name,
        "files": [str(path) for path in files],
        "next": commands,
        "missing": missing,
    }
    output.emit(as_json=as_json, data=data, text="\n".join(text))


def _next(folder: str, stack: NewStack) -> list[str]:
    """Return the commands that come next, for the first region."""
    secrets = [f'{stack.set_secret(key)} "$(openssl rand -hex 32)"' for key in secret_settings(required=True)]
    return [f"cd {shlex.quote(folder)} && pulumi install && . .venv/bin/activate", stack.init, *secrets]


def _images(options: Sequence[str]) -> dict[str, Any]:
    """Return the settings `image` and `images` of options `[FAMILY=]REFERENCE`."""
    pairs = [option.rpartition("=") for option in options]
    common = [reference for family, _, reference in pairs if not family]
    if len(common) > 1:
        raise ConfigError(f"--image {common[1]}: one image is for all sets; name a family, onnx={common[1]}")
    return {
        "image": "".join(common),
        "images": {family: reference for family, _, reference in pairs if family},
    }


def _in_region(values: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return a region's own settings."""
    settings = {"namespace": f"bluegrid-{_REGION}", **values}
    return {
        key: value.replace(_REGION, region) if isinstance(value, str) else value
        for key, value in settings.items()
    }
