"""The registry's commit that a stack's last update applied: an older checkout does not undo it by accident.

It is kept in the stack's outputs, from the moment on in which an update begins to apply it. A registry that
git does not keep has no commit: nothing is refused, and what was applied before stays noted.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.partial_update import is_partial
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import StackOutputs

OUTPUT = "commit"
OVER = "BLUEGRID_APPLY_OVER"
"""Variable that names the commit which an older checkout may undo. Left behind it allows nothing more: by
then another commit is the one that was applied."""
_SHOWN = 10


class StaleCheckout(BluegridError):  # noqa: N818 - that it is, is the fault
    """The checkout lacks a commit that was applied."""


def apply_commit(registry: Path, outputs: StackOutputs) -> None:
    """Have this checkout's commit take the place of the one applied last; a preview only warns.

    Args:
        registry: folder of the registry's files.
        outputs: where the commit is kept.

    Raises:
        StaleCheckout: the checkout is older than what was applied, or does not know it.
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
        outputs.put(OUTPUT, head)
    elif pulumi.runtime.is_dry_run():
        pulumi.log.warn(fault)
    else:
        raise StaleCheckout(fault)


def _note_copy(commit: str, repository: Path, outputs: StackOutputs) -> None:
    last: str | None = outputs.get(OUTPUT)
    if last is None or _git(repository, "merge-base", "--is-ancestor", last, commit) is not None:
        outputs.put(OUTPUT, commit)


def _fault(registry: Path, head: str, last: str) -> str | None:
    """Return why this checkout may not take the place of what was applied last; None: it may."""
    old, here = last[:_SHOWN], f"{registry} is at commit {head[:_SHOWN]}"
    allowed = os.environ.get(OVER, "")
    if len(allowed) >= _SHOWN and last.startswith(allowed):
        return None
    on_purpose = f"to undo it on purpose: {OVER}={old} pulumi up"
    if _git(registry, "cat-file", "-e", f"{last}^{{commit}}") is None:
        remedy = "`git pull`, or of a shallow clone `git fetch --unshallow`"
        return f"{here} and does not know {old}, which was applied last: {remedy}; {on_purpose}"
    if _git(registry, "merge-base", "--is-ancestor", head, last) is not None:
        return f"{here}, older than {old}, which was applied last: `git pull`; {on_purpose}"
    if _git(registry, "merge-base", "--is-ancestor", last, head) is None:
        undone = "what that has changed is undone; `git merge` brings the two together"
        pulumi.log.warn(f"{here} and lacks {old}, which was applied last: {undone}")
    return None


def _head(registry: Path) -> str | None:
    """Return the commit of the checkout that the registry's files belong to; None: of none."""
    # A folder can lie in a checkout that ignores it.
    if not _git(registry, "ls-files", "--", "*.yaml"):
        return None
    return _git(registry, "rev-parse", "--verify", "--quiet", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it fails, or is not there."""
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
