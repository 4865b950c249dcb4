"""The commits that changed a registry file, and its text at each, read from git as far as they are needed."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LOG_FORMAT = "--format=%H%x00%an%x00%aI%x00%s"


@dataclass(frozen=True)
class RegistryCommit:
    """A commit that changed the file; `digest` is empty for an edit that is not committed yet."""

    digest: str
    author: str
    time: str
    subject: str

    def __str__(self) -> str:
        if not self.digest:
            return "an edit that is not committed"
        return f"{self.digest[:10]} of {self.time[:16]} by {self.author}: {self.subject}"


@contextmanager
def commits_of(file: Path) -> Iterator[Iterator[RegistryCommit]]:
    """Yield an iterator of the commits that changed a file, by first parents, newest first.

    Raises:
        ConfigError: the file is in no git repository, or git is not installed.
    """
    with _started(file, "log", "--first-parent", _LOG_FORMAT, "--", file.name) as git:
        try:
            yield _read_log(file, git)
        finally:
            # Git may be years away from the next commit of the file.
            git.terminate()


def _read_log(file: Path, git: subprocess.Popen[bytes]) -> Iterator[RegistryCommit]:
    assert git.stdout is not None and git.stderr is not None  # noqa: S101, PT018 - they are pipes
    for line in git.stdout:
        yield _commit(line)
    if git.wait() != 0:
        raise _fault(file, git.returncode, git.stderr.read().decode(errors="replace"))


@contextmanager
def texts_of(file: Path) -> Iterator[Callable[[RegistryCommit], str]]:
    """Yield a function that returns the file's text at a commit, empty if it is deleted; git runs once."""
    with _started(file, "cat-file", "--batch") as git:
        assert git.stdin is not None and git.stdout is not None  # noqa: S101, PT018 - they are pipes
        requests, replies = git.stdin, git.stdout

        def text_at(commit: RegistryCommit) -> str:
            requests.write(f"{commit.digest}:./{file.name}\n".encode())
            requests.flush()
            *_, kind = replies.readline().decode().split()
            # A commit that deletes the file is in its history, too.
            if kind == "missing":
                return ""
            text = replies.read(int(kind)).decode()
            replies.readline()
            return text

        try:
            yield text_at
        finally:
            # The caller may stop early; git ends when its standard input closes.
            requests.close()


def commit_named(file: Path, name: str) -> RegistryCommit:
    """Return a commit that is named as git names it; ConfigError if there is none."""
    digest = _git(file, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    return _commit(_git(file, "log", "-1", _LOG_FORMAT, digest).encode())


def require_repository(file: Path) -> None:
    """Raise ConfigError if the file is in no git repository, or git is not installed."""
    _git(file, "rev-parse", "--git-dir")


def _commit(line: bytes) -> RegistryCommit:
    return RegistryCommit(*line.decode(errors="replace").rstrip("\n").split("\0"))


def _started(file: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start git in the file's folder, with pipes."""
    try:
        return subprocess.Popen(
            ["git", "-C", str(file.parent), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise ConfigError("git is not on PATH; the history of the registry is git's") from None


def _git(file: Path, *arguments: str) -> str:
    """Run git in the file's folder."""
    with _started(file, *arguments) as git:
        output, errors = (each.decode(errors="replace") for each in git.communicate())
    if git.returncode != 0:
        raise _fault(file, git.returncode, errors)
    return output


def _fault(file: Path, code: int, errors: str) -> ConfigError:
    first, *_ = errors.strip().splitlines() or [f"exit code {code}"]
    return ConfigError(f"{file}: has no history: {first.removeprefix('fatal: ')}")
