"""Where the registry's files are: in a folder as it is, or in a git repository that others push to as well.

Of a repository the server has a clone of its own, which nobody else touches. Every change starts from what
the remote branch says and is a commit that is pushed; what could not be pushed has not happened.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from model_registry.errors import BluegridError, ConfigError
from model_registry.files import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

COMMITTER = {"GIT_COMMITTER_NAME": "bluegrid", "GIT_COMMITTER_EMAIL": "bluegrid@localhost"}
GIT_SECONDS = 120


class GitError(BluegridError):
    """git refused or failed; the message ends with its own words."""


class PushRejected(GitError):  # noqa: N818 - what happened
    """Somebody else has pushed meanwhile, or may not let us: nothing has changed."""


class RegistrySource(Protocol):
    """A registry that can be changed."""

    is_shared: ClassVar[bool]
    """Whether all others who deploy from it see a change."""

    @property
    def registry(self) -> Path:
        """The folder of registry files."""

    def changing(self) -> AbstractContextManager[None]:
        """Hold the registry, as it is now for everybody."""

    def publish(self, message: str, author: str) -> str | None:
        """Make what was changed in the folder true for everybody; return the commit, if there is one.

        Raises:
            PushRejected: it is not, and nothing has changed.
        """


def snapshot(source: RegistrySource, folder: Path) -> Path:
    """Copy the registry as it is now for everybody into a folder, and return the copy's path.

    For whoever needs it longer than the others should wait, or has other programs read it.
    """
    copy = folder / "registry"
    with source.changing():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source.registry, copy, ignore=shutil.ignore_patterns(".*"))
    return copy


@dataclass(frozen=True)
class Folder:
    """A folder that is edited in place."""

    is_shared: ClassVar[bool] = False

    registry: Path

    def changing(self) -> AbstractContextManager[None]:
        """Return at once: every edit takes the folder's lock itself."""
        return nullcontext()

    def publish(self, message: str, author: str) -> str | None:  # noqa: ARG002 - nobody reads them here
        """Return at once: what is written is true."""
        return None


@dataclass(frozen=True)
class Clone:
    """A clone of the server's own.

    Attributes:
        folder: where it is, or will be.
        remote: what it is a clone of: a URL or a path, as git takes it.
        branch: the branch that says what is true.
        registry: the folder of registry files in it.
    """

    is_shared: ClassVar[bool] = True

    folder: Path
    remote: str
    branch: str
    registry: Path

    @classmethod
    def open(cls, folder: Path, remote: str, branch: str, registry: str) -> Clone:
        """Clone the repository, unless that has been done.

        Raises:
            GitError: it cannot be cloned.
            ConfigError: it has no such folder of registry files.
        """
        clone = cls(folder, remote, branch, folder / registry)
        if not (folder / ".git").is_dir():
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _git("clone", "--quiet", "--single-branch", "--branch", branch, "--", remote, str(partial))
            partial.rename(folder)
        with clone.changing():
            if not clone.registry.is_dir():
                raise ConfigError(f"{remote}, branch {branch}: has no folder {registry}; name it: --registry")
        return clone

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the clone, as the remote branch is now; what an earlier change left is gone."""
        # Not the folder itself: the registry's own lock may be on that.
        with locked(self.folder / ".git"):
            self._git("fetch", "--quiet", "--", self.remote, self.branch)
            self._git("reset", "--quiet", "--hard", "FETCH_HEAD")
            self._git("clean", "--quiet", "--force", "-d")
            yield

    def publish(self, message: str, author: str) -> str | None:
        """Commit and push what was changed; None where nothing was."""
        self._git("add", "--all", "--", str(self.registry))
        if not self._git("status", "--porcelain"):
            return None
        who = f"{author} <{author}@bluegrid.invalid>"
        self._git("commit", "--quiet", "--no-verify", f"--author={who}", f"--message={message}")
        try:
            self._git("push", "--quiet", "--", self.remote, f"HEAD:refs/heads/{self.branch}")
        except GitError as error:
            self._git("reset", "--quiet", "--hard", "FETCH_HEAD")
            raise PushRejected(str(error)) from None
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        return _git("-C", str(self.folder), *arguments)


def _git(*arguments: str) -> str:
    """Run git, which never asks anybody anything.

    Raises:
        GitError: it failed.
    """
    environment = os.environ | COMMITTER | {"GIT_TERMINAL_PROMPT": "0"}
    command = ("git", *arguments)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {arguments[-1]}: {error}") from None
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())
        raise GitError(f"git failed: {words or f'exit code {done.returncode}'}")
    return done.stdout.strip()
