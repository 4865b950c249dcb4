"""The offer of a push, on a terminal, to trust the names that its models use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry import UntrustedNames


def accepted(error: UntrustedNames, set_id: str) -> bool:
    """List the names, say what trusting them means, and return the answer; without a terminal, False.

    The names and the question are on standard error: standard output is for the result.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    width = max(map(len, error.models))
    lines = [f"set {set_id} does not trust these classes and functions, which its models name:"]
    lines += [f"  {name:{width}}  {_models(uids)}" for name, uids in error.models.items()]
    lines += [
        "A pod that loads a model calls them, with whatever the file holds. Trust what runs no code that a",
        "model chooses, and opens no file that it names; the pods' image must have the packages.",
    ]
    typer.echo("\n".join(lines), err=True)
    return typer.confirm(f"Trust them in {set_id}.yaml, and push?", err=True)


def _models(uids: Sequence[str]) -> str:
    more = f" and {len(uids) - 1} more" if len(uids) > 1 else ""
    return f"in {min(uids)}{more}"
