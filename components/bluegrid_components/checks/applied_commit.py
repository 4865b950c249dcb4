"""Refuses an update whose checkout is older than the registry commit that the stack applied last.

The stack's outputs hold the commit, from the start of the update that applies it. A registry outside git has
no commit: nothing is refused, and the commit applied before stays in the outputs.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.partial_update import is_partial, updated_services
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import UpdateOutputs

OUTPUT = "commit"
OVER = "BLUEGRID_APPLY_OVER"
"""Variable with the commit that an older checkout may undo. A variable that stays set allows no later undo:
by then another commit is the last applied one."""
_SHOWN = 10
"""Digits of a commit in messages; OVER needs at least as many."""


class StaleCheckout(BluegridError):  # noqa: N818 - named after the fault
    """The checkout lacks a commit that was applied."""


def apply_commit(registry: Path, outputs: UpdateOutputs) -> None:
    """Record this checkout's commit as the last applied one; a preview only warns.

    An update of some services is refused as well, and records nothing: it applies a part of the commit.

    Args:
        registry: folder of the registry's files.
        outputs: hold the commit that was applied last.

    Raises:
        StaleCheckout: the checkout is older than the applied commit, or does not have that commit.
    """
    if copy := os.environ.get(contract.REGISTRY_COPY):
        commit, _, repository = copy.partition(" ")
        _note_copy(commit, Path(repository), outputs)
        return
    head = None if is_partial() else _head(registry)
    if head is None:
        return
    last: str | None = outputs.get(OUTPUT)
    fault = _fault(registry, head, last) if last is not None and last != head else None
    if fault is None:
        if updated_services() is None:
            outputs.put(OUTPUT, head)
    elif pulumi.runtime.is_dry_run():
        pulumi.log.warn(fault)
    else:
        raise StaleCheckout(fault)


def _note_copy(commit: str, repository: Path, outputs: UpdateOutputs) -> None:
    last: str | None = outputs.get(OUTPUT)
    if last is None or _git(repository, "merge-base", "--is-ancestor", last, commit) is not None:
        outputs.put(OUTPUT, commit)


def _fault(registry: Path, head: str, last: str) -> str | None:
    """Return why this checkout must not replace the last applied commit; None if it may."""
    old, here = last[:_SHOWN], f"{registry} is at commit {head[:_SHOWN]}"
    allowed = os.environ.get(OVER, "")
    if len(allowed) >= _SHOWN and last.startswith(allowed):
        return None
    on_purpose = f"to undo it on purpose: {OVER}={old} pulumi up"
    if _git(registry, "cat-file", "-e", f"{last}^{{commit}}") is None:
        remedy = "`git pull`, or in a shallow clone `git fetch --unshallow`"
        return f"{here} and does not know {old}, which was applied last: {remedy}; {on_purpose}"
    if _git(registry, "merge-base", "--is-ancestor", head, last) is not None:
        return f"{here}, older than {old}, which was applied last: `git pull`; {on_purpose}"
    if _git(registry, "merge-base", "--is-ancestor", last, head) is None:
        undone = "an update undoes its changes; `git merge` combines the two"
        pulumi.log.warn(f"{here} and lacks {old}, which was applied last: {undone}")
    return None


def _head(registry: Path) -> str | None:
    """Return the checked-out commit of the registry's files; None if git does not track them."""
    # A folder can lie in a checkout that ignores it.
    if not _git(registry, "ls-files", "--", "*.yaml"):
        return None
    return _git(registry, "rev-parse", "--verify", "--quiet", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of git; None if git fails or is not installed."""
    try:
        completed = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return completed.stdout.strip()
