"""An update from a checkout older than the applied commit is refused, unless allowed on purpose."""

from __future__ import annotations

import logging
import subprocess
from typing import TYPE_CHECKING

import pulumi
import pytest

from tests.program.recorder import ENGINE, run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, subject: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(registry: Write) -> Path:
    folder = registry()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def refusal(folder: Path, last: str) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run_update(folder, last={"commit": last})
    return str(refused.value)


def test_an_update_keeps_the_commit_that_it_applies(checkout: Path) -> None:
    first = commit(checkout, "first")
    assert run_update(checkout).outputs["commit"] == first
    second = commit(checkout, "second")
    assert run_update(checkout, last={"commit": first}).outputs["commit"] == second
    assert run_update(checkout, last={"commit": second}).outputs["commit"] == second


def test_a_change_that_is_not_committed_yet_counts_as_the_commit_that_it_is_made_to(
    checkout: Path, registry: Write
) -> None:
    newest = commit(checkout, "first")
    registry(live="d2")
    plan = run_update(checkout, last={"commit": newest})
    assert plan.outputs["commit"] == newest


def test_an_older_checkout_is_refused_with_both_commits(checkout: Path) -> None:
    old, new = commit(checkout, "old"), commit(checkout, "new")
    git(checkout, "checkout", "--quiet", old)
    assert refusal(checkout, new) == (
        f"{checkout} is at commit {old[:10]}, older than {new[:10]}, which was applied last: `git pull`; "
        f"to undo it on purpose: BLUEGRID_APPLY_OVER={new[:10]} pulumi up"
    )


def test_an_older_checkout_is_applied_on_purpose_over_that_one_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, newest = (commit(checkout, subject) for subject in ("old", "new", "newest"))
    git(checkout, "checkout", "--quiet", old)
    monkeypatch.setenv("BLUEGRID_APPLY_OVER", new[:10])
    assert run_update(checkout, last={"commit": new}).outputs["commit"] == old
    assert "older than" in refusal(checkout, newest)


def test_a_commit_that_is_not_in_the_checkout_is_refused(checkout: Path) -> None:
    head, unknown = commit(checkout, "first"), "f" * 40
    assert refusal(checkout, unknown) == (
        f"{checkout} is at commit {head[:10]} and does not know ffffffffff, which was applied last: "
        "`git pull`, or in a shallow clone `git fetch --unshallow`; "
        "to undo it on purpose: BLUEGRID_APPLY_OVER=ffffffffff pulumi up"
    )


def test_a_branch_beside_the_applied_commit_is_applied_with_a_warning(
    checkout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, ENGINE.name)
    commit(checkout, "base")
    git(checkout, "checkout", "--quiet", "-b", "other")
    other = commit(checkout, "of somebody else")
    git(checkout, "checkout", "--quiet", "main")
    head = commit(checkout, "mine")
    assert run_update(checkout, last={"commit": other}).outputs["commit"] == head
    (warning,) = caplog.messages
    assert warning.startswith(f"{checkout} is at commit {head[:10]} and lacks {other[:10]}")


def test_a_preview_of_an_older_checkout_warns(checkout: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, ENGINE.name)
    old, new = commit(checkout, "old"), commit(checkout, "new")
    git(checkout, "checkout", "--quiet", old)
    plan = run_update(checkout, last={"commit": new}, preview=True)
    assert "Deployment line-loading-d1" in plan.resources
    (warning,) = caplog.messages
    assert f"older than {new[:10]}, which was applied last" in warning


def test_an_update_of_one_route_goes_back_from_any_checkout_and_applies_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = commit(checkout, "old"), commit(checkout, "new")
    git(checkout, "checkout", "--quiet", old)
    monkeypatch.setenv("BLUEGRID_PARTIAL_UPDATE", "1")
    assert run_update(checkout, last={"commit": new}).outputs["commit"] == new


def test_a_registry_that_git_does_not_keep_leaves_the_commit_as_it_is(
    checkout: Path, registry: Write
) -> None:
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert "commit" not in run_update(checkout).outputs
    assert run_update(checkout, last={"commit": "f" * 40}).outputs["commit"] == "f" * 40
