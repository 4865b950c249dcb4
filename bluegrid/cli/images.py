"""`bluegrid image`: the images that pods run, from a checkout."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bluegrid.cli import output
from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from types import ModuleType

app = typer.Typer(name="image", help="The images that pods run.", no_args_is_help=True)


@app.command(
    epilog="Example: `bluegrid image build onnx`, then push the archive it names: `skopeo copy "
    "oci-archive:FILE docker://registry.example.org/bluegrid:onnx`"
)
def build(
    family: Annotated[
        str,
        typer.Argument(
            help="scikit-learn, onnx, xgboost, lightgbm, accelerated (all of these, compiled to ONNX), "
            "tensorflow (and Keras), spark or all."
        ),
    ] = "scikit-learn",
    base: Annotated[
        str | None,
        typer.Option(help="Image to build on. Default: the official Python image, else Debian packages."),
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Build the image of a family of frameworks as an OCI archive: minutes, seconds when it is there.

    Beside it stands what is in it (CycloneDX): Debian's packages and Python's, with their versions.
    """
    tools = _tools()
    console = Console(stderr=True)
    try:
        with console.status(f"building {family}") as status:
            image: Any = tools.build(status.update, tools.family_of(family), base)
    except tools.ImageError as error:
        raise BluegridError(str(error)) from None
    data = {"family": family, "image": image.tagged, "archive": str(image.archive), "sbom": str(image.sbom)}
    output.emit(as_json=as_json, data=data, text=f"{image.tagged}\n{image.archive}\n{image.sbom}")


def _tools() -> ModuleType:
    # Tools are in a checkout, next to the lock file that an image is built from, and in no wheel.
    try:
        return importlib.import_module("tools.image")
    except ImportError:
        raise ConfigError("images are built from a checkout; run this in one: git clone ...") from None
