"""`bluegrid image build`: builds an image that pods run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bluegrid.cli import options, output
from bluegrid.cli.tree import command


@command(
    extra="images",
    epilog="Example: `bluegrid image build onnx`, then push the archive it names: `skopeo copy "
    "oci-archive:FILE docker://registry.example.org/bluegrid:onnx`",
)
def build(
    family: Annotated[
        str,
        typer.Argument(
            help="scikit-learn, onnx, xgboost, lightgbm, accelerated (all of these, compiled to ONNX), "
            "catboost, tensorflow (and Keras), spark, all (of these), or openstef."
        ),
    ] = "scikit-learn",
    base: Annotated[
        str | None,
        typer.Option(
            "--base-image",
            metavar="IMAGE",
            help="Image to build on. Default: the official Python image, or one of Debian packages.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Build the image of a family of frameworks as an OCI archive.

    Building takes minutes, or seconds if the image exists.

    A file beside the archive lists the packages of Debian and Python in it, with versions (CycloneDX).
    """
    # Imported here, because its libraries are those of an extra.
    from bluegrid import image

    console = Console(stderr=True)
    with console.status(f"building {family}") as status:
        built = image.build(status.update, image.family_of(family), base)
    data = {
        "family": family,
        "image": built.tagged,
        "digest": built.digest,
        "archive": str(built.archive),
        "sbom": str(built.sbom),
    }
    output.emit(as_json=as_json, data=data, text=f"{built.tagged}\n{built.archive}\n{built.sbom}")
