"""The working tree of the server's clone, managed with git.

refs/bluegrid/branch    the branch, as last fetched or pushed
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.updates.registry_source.git import (
    COMMITTER_EMAIL,
    REMOTE_SECONDS,
    GitError,
    refusal,
    run_git,
    run_git_bytes,
)
from bluegrid.updates.registry_source.valid_registry import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_EARLIER = 200
"""The most commits to search for the last state of a file without mistakes."""
_KNOWN = "refs/bluegrid/branch"


@dataclass(frozen=True)
class Checkout:
    """A clone with one branch checked out.

    Attributes:
        folder: folder of the clone.
        remote: the cloned repository: a URL or a path, as for git.
        branch: the branch whose commits everybody deploys.
        registry: the folder of registry files in it.
    """

    folder: Path
    remote: str
    branch: str
    registry: Path

    def clone(self) -> None:
        """Clone the repository, unless an earlier start has done so.

        Raises:
            GitError: the repository cannot be cloned.
        """
        if (self.folder / ".git").is_dir():
            return
        partial = self.folder.with_name(f".{self.folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        branch = ("--single-branch", "--branch", self.branch)
        run_git("clone", "--quiet", *branch, "--", self.remote, str(partial))
        partial.rename(self.folder)

    def fetch(self, seconds: float) -> None:
        """Fetch the branch from the remote.

        Raises:
            GitError: the remote does not answer within `seconds`.
        """
        self._git("fetch", "--quiet", "--", self.remote, f"+{self.branch}:{_KNOWN}", seconds=seconds)

    def reset(self) -> str:
        """Reset the working tree to the last known state of the branch; return the commit."""
        if self._git("for-each-ref", _KNOWN):
            self._git("reset", "--quiet", "--hard", _KNOWN)
        self._git("clean", "--quiet", "--force", "-d")
        return self.head()

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self._git("rev-parse", "HEAD")

    def is_ahead(self) -> bool:
        """Whether there are commits that the last known state of the branch does not have."""
        return self.head() != self._git("rev-parse", _KNOWN)

    def restore(self, paths: Sequence[Path]) -> None:
        """Restore files from the last commit, if the commit has them."""
        if committed := [str(path) for path in paths if self._is_committed(path)]:
            self._git("checkout", "--quiet", "HEAD", "--", *committed)

    def commit(self, message: str, author: str) -> bool:
        """Commit all changes of the registry; return False if there are none."""
        self._git("add", "--all", "--", str(self.registry))
        if not self._git("status", "--porcelain"):
            return False
        who = f"{author} <{author}@bluegrid.invalid>"
        self._git("commit", "--quiet", "--no-verify", f"--author={who}", f"--message={message}")
        return True

    def push(self) -> None:
        """Push the commits to the branch.

        Raises:
            PushRejected: somebody else has pushed meanwhile, or a rule of the remote refuses the push.
            GitAway: the remote does not answer.
        """
        target = f"HEAD:refs/heads/{self.branch}"
        try:
            self._git("push", "--quiet", "--", self.remote, target, seconds=REMOTE_SECONDS)
        except GitError as error:
            raise refusal(error) from None
        self._git("update-ref", _KNOWN, "HEAD")

    def earlier(self, path: Path) -> Iterator[str]:
        """Yield the earlier texts of a file on the branch, newest first."""
        name = self.name(path)
        commits = self._git("log", "--first-parent", f"--max-count={MAX_EARLIER}", "--format=%H", "--", name)
        for commit in commits.split()[1:]:
            try:
                yield as_text(run_git_bytes("-C", str(self.folder), "show", f"{commit}:{name}"))
            except GitError:
                continue  # The commit does not have the file.

    def newest_first(self) -> list[Path]:
        """Return the files by their last change by people; the server's own commits do not count."""
        log = self._git(
            "log",
            "--first-parent",
            f"--max-count={MAX_EARLIER}",
            "--format=%x00%ce",
            "--name-only",
            "--",
            str(self.registry),
        )
        commits = (entry.splitlines() for entry in log.split("\0"))
        names = [name for who, *names in filter(None, commits) if who != COMMITTER_EMAIL for name in names]
        return [self.folder / name for name in dict.fromkeys(names) if name]

    def name(self, path: Path) -> str:
        """Return the path of a file in the repository."""
        return str(path.relative_to(self.folder))

    def _is_committed(self, path: Path) -> bool:
        return bool(self._git("ls-tree", "HEAD", "--", self.name(path)))

    def _git(self, *arguments: str, seconds: float = 120.0) -> str:
        return run_git("-C", str(self.folder), *arguments, seconds=seconds)
