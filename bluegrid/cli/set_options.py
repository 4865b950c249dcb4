"""Options of commands about sets, and of those that make a set of a folder."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bluegrid_registry import Source

Name = Annotated[str | None, typer.Option(help="What people call the set.")]
Task = Annotated[str | None, typer.Option(help="What its models do, e.g. regression.")]
OfSource = Annotated[Source | None, typer.Option(help="Who defines the set.")]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Trust a type or function that models name, e.g. `own_package.Scaler`."
    ),
]


class KindsRule(StrEnum):
    """Values of `--kinds`."""

    SAME = "same"
    MIXED = "mixed"


KindsOption = Annotated[
    KindsRule | None,
    typer.Option(
        help="Whether all models are of the same estimators, as a push checks for scikit-learn, or mixed, "
        "such as Ridge for one device and a forest for another."
    ),
]
OfFramework = Annotated[str | None, typer.Option("--framework", help="Only sets of this framework.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only sets of this type.")]
