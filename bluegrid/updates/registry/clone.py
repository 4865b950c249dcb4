"""The server's own clone of the repository that says what is true.

Every change starts from what the remote branch says and is a commit that is pushed; what could not be pushed
has not happened. Two kinds of edits do not wait for git: the way back of a rollout, and switches that people
ask for. They are kept (`uncommitted.py`), are true in the clone at once, and are committed once git answers.

    refs/bluegrid/branch    the branch, as it was known last
    the working tree        that, with the files that have mistakes as they were before, and what waits
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import structlog

from bluegrid.updates.registry.git import (
    COMMITTER_EMAIL,
    REMOTE_SECONDS,
    GitAway,
    GitError,
    refusal,
    run_git,
    run_git_bytes,
)
from bluegrid.updates.registry.source import FolderReader, SourceHealth
from bluegrid.updates.registry.uncommitted import Uncommitted
from bluegrid.updates.registry.valid_registry import ValidRegistry, as_text, last_valid, read_texts
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.files import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid.updates.registry.uncommitted import LaterEdit

QUICK_SECONDS = 10.0
"""For a fetch that a way back waits for."""
AWAY_SECONDS = 4.0
"""How long a way back does not try git again after it was away."""
MAX_EARLIER = 200
"""Commits of a file among which its last state without mistakes is looked for."""
_KNOWN = "refs/bluegrid/branch"

log = structlog.get_logger()


class Clone:
    """A clone of the server's own.

    Args:
        folder: where it is, or will be.
        remote: what it is a clone of: a URL or a path, as git takes it.
        branch: the branch that says what is true.
        registry: the folder of registry files in it.
    """

    is_shared: ClassVar[bool] = True

    def __init__(self, folder: Path, remote: str, branch: str, registry: Path) -> None:
        self.folder, self.remote, self.branch, self.registry = folder, remote, branch, registry
        self._uncommitted = Uncommitted(folder.with_name("uncommitted.json"))
        self._tree = FolderReader(registry)
        self._fetched, self._away = 0.0, -AWAY_SECONDS
        self._error: str | None = None
        # While files go to and fro between two states, nobody reads them.
        self._moving = threading.RLock()
        self._checked: tuple[str, ValidRegistry] | None = None
        self._shown: ValidRegistry | None = None

    @classmethod
    def open(cls, folder: Path, remote: str, branch: str, registry: str) -> Clone:
        """Clone the repository, unless that has been done; then git may be away.

        Raises:
            GitError: it cannot be cloned.
            ConfigError: it has no such folder of registry files.
        """
        if not (folder / ".git").is_dir():
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            run_git("clone", "--quiet", "--single-branch", "--branch", branch, "--", remote, str(partial))
            partial.rename(folder)
        clone = cls(folder, remote, branch, folder / registry)
        with clone.known():
            if not clone.registry.is_dir():
                raise ConfigError(f"{remote}, branch {branch}: has no folder {registry}; name it: --registry")
        return clone

    @property
    def health(self) -> SourceHealth:
        """How git is."""
        commit = self._checked[0] if self._checked else None
        return SourceHealth(self._fetched, self._error, len(self._uncommitted()), commit)

    def valid(self) -> ValidRegistry:
        """Return the registry as the clone has it, without the mistakes in it."""
        with self._moving:
            found, faults = self._tree(), self._faults
        if not faults:
            return found
        if self._shown is None or self._shown.texts is not found.texts or self._shown.faults is not faults:
            self._shown = ValidRegistry(found.texts, faults)
        return self._shown

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the clone, as the remote branch is now; what an earlier change left is gone.

        Raises:
            GitAway: the remote does not answer.
            PushRejected: what waits to be committed is refused.
        """
        with self._held():
            self._fetch(REMOTE_SECONDS)
            self._bring_up_to_date()
            yield

    @contextmanager
    def known(self) -> Iterator[None]:
        """Hold the clone as far as the branch is known, with what waits to be committed."""
        with self._held():
            try:
                if time.monotonic() - self._away < AWAY_SECONDS:
                    raise GitAway(self._error or "git was away a moment ago")
                self._fetch(QUICK_SECONDS)
                self._bring_up_to_date()
            except GitError as error:
                log.warning("the registry is as it was known last", error=str(error))
                self._go_without()
            yield

    def publish(self, message: str, author: str) -> str | None:
        """Commit and push what was changed; None where nothing was."""
        if not self._commit(message, author):
            return None
        try:
            self._push()
        except GitError:
            self._go_without()
            raise
        return self._git("rev-parse", "HEAD")

    def later(self, edit: LaterEdit) -> None:
        """Make an edit now, and commit it as soon as that can be."""
        self._uncommitted.add(edit)
        with self.known():
            pass

    @property
    def _faults(self) -> Mapping[str, str]:
        return self._checked[1].faults if self._checked else {}

    @contextmanager
    def _held(self) -> Iterator[None]:
        # Not the folder itself: the registry's own lock may be on that.
        with locked(self.folder / ".git"):
            yield

    def _fetch(self, seconds: float) -> None:
        try:
            self._git("fetch", "--quiet", "--", self.remote, f"+{self.branch}:{_KNOWN}", seconds=seconds)
        except GitError as error:
            self._error, self._away = str(error), time.monotonic()
            raise GitAway(str(error)) from None
        self._fetched, self._away, self._error = time.time(), -AWAY_SECONDS, None

    def _reset(self) -> None:
        """Have the working tree be what is known of the branch, without the mistakes in it."""
        if self._git("for-each-ref", _KNOWN):
            self._git("reset", "--quiet", "--hard", _KNOWN)
        self._git("clean", "--quiet", "--force", "-d")
        head = self._git("rev-parse", "HEAD")
        if self.registry.is_dir():
            if self._checked is None or self._checked[0] != head:
                found = last_valid(read_texts(self.registry), self._earlier, self._newest_first, self._name)
                for fault in found.faults.values():
                    log.error("a registry file is used as it was before a mistake", fault=fault)
                self._checked = head, found
            self._write_stand_ins()

    def _write_stand_ins(self) -> None:
        if self._checked is not None:
            for path in self._stood_in():
                if (text := self._checked[1].texts.get(path)) is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(text.encode())

    def _stood_in(self) -> list[Path]:
        """Return the files that are not as the branch has them."""
        return [
            self.registry / f"{set_id}{suffix}" for set_id in self._faults for suffix in (".yaml", ".yml")
        ]

    def _earlier(self, path: Path) -> Iterator[str]:
        """Yield what the branch said in a file before, newest first."""
        name = str(path.relative_to(self.folder))
        commits = self._git("log", "--first-parent", f"--max-count={MAX_EARLIER}", "--format=%H", "--", name)
        for commit in commits.split()[1:]:
            try:
                yield as_text(run_git_bytes("-C", str(self.folder), "show", f"{commit}:{name}"))
            except GitError:
                continue  # It was not there.

    def _newest_first(self) -> list[Path]:
        """Return the files by when people changed them on the branch: what the server adds takes no names."""
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

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def _bring_up_to_date(self) -> None:
        """Have the working tree be as the branch is, and commit what was made while git was away.

        Raises:
            GitError: that cannot be pushed; it waits on.
        """
        with self._moving:
            self._reset()
            waiting = self._uncommitted()
            # A file with a mistake can be committed to once somebody has corrected it.
            later = [edit for edit in waiting if edit.set_in(self.valid().registry) in self._faults]
            done = [edit for edit in waiting if edit not in later]
            for edit in done:
                if edit.apply(self.registry):
                    self._commit(edit.message, edit.author)
                else:
                    log.info("the branch says so already, or something else", edit=edit.message)
            for edit in later:
                edit.apply(self.registry)
        if done and self._git("rev-parse", "HEAD") != self._git("rev-parse", _KNOWN):
            try:
                self._push()
            except GitError:
                self._go_without()
                raise
        self._uncommitted.forget(done)

    def _go_without(self) -> None:
        """Have the working tree be as the branch was known last, with what waits to be committed."""
        with self._moving:
            # A disk that is full keeps nobody from going back.
            with suppress(GitError):
                self._reset()
            for edit in self._uncommitted():
                edit.apply(self.registry)

    def _commit(self, message: str, author: str) -> bool:
        """Commit what was changed; False where nothing was.

        Raises:
            RegistryError: a file was changed that has a mistake on the branch.
        """
        stood_in = self._stood_in()
        for path in stood_in:
            text = as_text(path.read_bytes()) if path.exists() else None
            if self._checked is not None and text != self._checked[1].texts.get(path):
                self._checked[1].require(path.stem)
        committed = [str(path) for path in stood_in if self._is_committed(path)]
        if committed:
            self._git("checkout", "--quiet", "HEAD", "--", *committed)
        self._git("add", "--all", "--", str(self.registry))
        try:
            if not self._git("status", "--porcelain"):
                return False
            who = f"{author} <{author}@bluegrid.invalid>"
            self._git("commit", "--quiet", "--no-verify", f"--author={who}", f"--message={message}")
        finally:
            self._write_stand_ins()
        return True

    def _is_committed(self, path: Path) -> bool:
        return bool(self._git("ls-tree", "HEAD", "--", str(path.relative_to(self.folder))))

    def _push(self) -> None:
        try:
            self._git(
                "push", "--quiet", "--", self.remote, f"HEAD:refs/heads/{self.branch}", seconds=REMOTE_SECONDS
            )
        except GitError as error:
            raise refusal(error) from None
        self._git("update-ref", _KNOWN, "HEAD")
        self._fetched = time.time()

    def _git(self, *arguments: str, seconds: float = 120.0) -> str:
        return run_git("-C", str(self.folder), *arguments, seconds=seconds)
