"""The server's own clone of the repository whose branch everybody deploys.

Every change starts from the remote branch and is a pushed commit; a change that cannot be pushed is dropped.
Two kinds of edits do not wait for git: rollbacks, and switches that people request. They are stored
(`uncommitted.py`), take effect in the clone at once, and are committed when git answers.

The working tree is the last known state of the branch with two differences: files with mistakes are as before
their mistakes, and edits that wait for a commit are applied.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import structlog

from bluegrid.updates.registry_source.checkout import Checkout
from bluegrid.updates.registry_source.git import REMOTE_SECONDS, GitAway, GitError
from bluegrid.updates.registry_source.source import FolderReader, SourceHealth
from bluegrid.updates.registry_source.uncommitted import Uncommitted
from bluegrid.updates.registry_source.valid_registry import ValidRegistry, as_text, last_valid, read_texts
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.files import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid.updates.registry_source.uncommitted import LaterEdit

QUICK_SECONDS = 10.0
"""How long a rollback waits for a fetch, in seconds."""
AWAY_SECONDS = 4.0
"""How long rollbacks do not try git again after git did not answer, in seconds."""

log = structlog.get_logger()


class Clone:
    """The registry in a clone of the server's own.

    Args:
        checkout: the clone; its repository has been cloned.
    """

    is_shared: ClassVar[bool] = True

    def __init__(self, checkout: Checkout) -> None:
        self._checkout, self.registry = checkout, checkout.registry
        self._uncommitted = Uncommitted(checkout.folder.with_name("uncommitted.json"))
        self._tree = FolderReader(checkout.registry)
        self._fetched, self._away = 0.0, -AWAY_SECONDS
        self._error: str | None = None
        # Held while files of the working tree change, so that readers get a consistent state.
        self._moving = threading.RLock()
        self._checked: tuple[str, ValidRegistry] | None = None
        self._shown: ValidRegistry | None = None

    @classmethod
    def open(cls, folder: Path, remote: str, branch: str, registry: str) -> Clone:
        """Clone the repository, unless an earlier start has done so; git is then not required to answer.

        Args:
            folder: folder of the clone.
            remote: a URL or a path, as for git.
            branch: the branch whose commits everybody deploys.
            registry: the folder of registry files in the repository.

        Raises:
            GitError: the repository cannot be cloned.
            ConfigError: the repository has no such folder of registry files.
        """
        checkout = Checkout(folder, remote, branch, folder / registry)
        checkout.clone()
        clone = cls(checkout)
        with clone.known():
            if not clone.registry.is_dir():
                raise ConfigError(f"{remote}, branch {branch}: has no folder {registry}; name it: --registry")
        return clone

    @property
    def health(self) -> SourceHealth:
        """The state of git and the registry."""
        commit = self._checked[0] if self._checked else None
        return SourceHealth(self._fetched, self._error, len(self._uncommitted()), commit)

    def valid(self) -> ValidRegistry:
        """Return the registry in the clone, without its mistakes."""
        with self._moving:
            found, faults = self._tree(), self._faults
        if not faults:
            return found
        if self._shown is None or self._shown.texts is not found.texts or self._shown.faults is not faults:
            self._shown = ValidRegistry(found.texts, faults)
        return self._shown

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the clone at the current state of the remote branch; leftovers of earlier changes are removed.

        Raises:
            GitAway: the remote does not answer.
            PushRejected: an edit that waits for a commit is refused.
        """
        with self._held():
            self._fetch(REMOTE_SECONDS)
            self._bring_up_to_date()
            yield

    @contextmanager
    def known(self) -> Iterator[None]:
        """Hold the clone at the last known state of the branch, with the edits that wait for a commit."""
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
        """Commit and push the changes; return the commit, or None if nothing has changed."""
        if not self._commit(message, author):
            return None
        try:
            self._push()
        except GitError:
            self._go_without()
            raise
        return self._checkout.head()

    def later(self, edit: LaterEdit) -> None:
        """Apply an edit now, and commit it as soon as git answers."""
        self._uncommitted.add(edit)
        with self.known():
            pass

    @property
    def _faults(self) -> Mapping[str, str]:
        return self._checked[1].faults if self._checked else {}

    @contextmanager
    def _held(self) -> Iterator[None]:
        # The folder itself may be locked by an edit of the registry in it.
        with locked(self._checkout.folder / ".git"):
            yield

    def _fetch(self, seconds: float) -> None:
        try:
            self._checkout.fetch(seconds)
        except GitError as error:
            self._error, self._away = str(error), time.monotonic()
            raise GitAway(str(error)) from None
        self._fetched, self._away, self._error = time.time(), -AWAY_SECONDS, None

    def _push(self) -> None:
        self._checkout.push()
        self._fetched = time.time()

    def _reset(self) -> None:
        """Reset the working tree to the last known state of the branch, without its mistakes."""
        head = self._checkout.reset()
        if self.registry.is_dir():
            if self._checked is None or self._checked[0] != head:
                checkout = self._checkout
                texts = read_texts(self.registry)
                found = last_valid(texts, checkout.earlier, checkout.newest_first, checkout.name)
                for fault in found.faults.values():
                    log.error("a registry file is used as it was before a mistake", fault=fault)
                self._checked = head, found
            self._write_stand_ins()

    def _write_stand_ins(self) -> None:
        """Write the earlier texts of files with mistakes."""
        if self._checked is not None:
            for path in self._stand_ins():
                if (text := self._checked[1].texts.get(path)) is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(text.encode())

    def _stand_ins(self) -> list[Path]:
        """Return the files that differ from the branch because of their mistakes."""
        return [
            self.registry / f"{set_id}{suffix}" for set_id in self._faults for suffix in (".yaml", ".yml")
        ]

    def _bring_up_to_date(self) -> None:
        """Reset the working tree to the branch, and commit the edits that wait.

        Raises:
            GitError: the edits cannot be pushed; they keep waiting.
        """
        with self._moving:
            self._reset()
            waiting = self._uncommitted()
            # An edit of a file with a mistake waits until somebody has corrected the file.
            later = [edit for edit in waiting if edit.set_in(self.valid().registry) in self._faults]
            done = [edit for edit in waiting if edit not in later]
            for edit in done:
                if edit.apply(self.registry):
                    self._commit(edit.message, edit.author)
                else:
                    log.info("the branch says so already, or something else", edit=edit.message)
            for edit in later:
                edit.apply(self.registry)
        if done and self._checkout.is_ahead():
            try:
                self._push()
            except GitError:
                self._go_without()
                raise
        self._uncommitted.forget(done)

    def _go_without(self) -> None:
        """Reset the working tree to the last known state of the branch, with the edits that wait."""
        with self._moving:
            # Rolling back must work on a full disk too.
            with suppress(GitError):
                self._reset()
            for edit in self._uncommitted():
                edit.apply(self.registry)

    def _commit(self, message: str, author: str) -> bool:
        """Commit the changes; return False if there are none.

        Raises:
            RegistryError: a file was changed that has a mistake on the branch.
        """
        stand_ins = self._stand_ins()
        for path in stand_ins:
            text = as_text(path.read_bytes()) if path.exists() else None
            if self._checked is not None and text != self._checked[1].texts.get(path):
                self._checked[1].require(path.stem)
        self._checkout.restore(stand_ins)
        try:
            return self._checkout.commit(message, author)
        finally:
            self._write_stand_ins()
