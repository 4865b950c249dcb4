"""The files that differ between a commit and the working tree, as git knows them, with both contents."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.project.programs import not_on_path
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NOTHING = "0"
"""Of this digit git makes the ID of a file that does not exist."""
_FILES = ("100644", "100755", "120000")
"""Modes of files and symbolic links; the others are folders and submodules."""


@dataclass(frozen=True)
class ChangedFile:
    """A file that differs from a commit.

    Attributes:
        path: absolute.
        before: its bytes in the commit; None: it is not there, or is no file.
        after: its bytes in the working tree; None: it is not there, or is no file.
    """

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class BaseCommit:
    """A commit of a clone, and the folder of the clone that is looked at.

    Attributes:
        clone: a folder in the clone.
        id: of the commit.
    """

    clone: Path
    id: str

    @classmethod
    def branched_off(cls, clone: Path, other: str) -> BaseCommit:
        """Return the last commit that HEAD and another commit have in common.

        Args:
            clone: a folder in the clone.
            other: a commit or a branch, such as `origin/main`.

        Raises:
            ConfigError: the clone has no such commit, or not enough of its history.
        """
        # The other commit stays an argument, however it begins.
        known = _git(clone, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{other}^{{commit}}")
        base = known and _git(clone, "merge-base", known.decode().strip(), "HEAD")
        if not base:
            raise ConfigError(
                f"{other} is not a commit of this clone; fetch the whole history (`fetch-depth: 0`)"
                if not known
                else f"{other} and HEAD have no commit in common here; fetch the whole history "
                "(`fetch-depth: 0`)"
            )
        return cls(clone, base.decode().strip())

    def changed_files(self, folders: Sequence[Path], edited: Sequence[Path]) -> list[ChangedFile]:
        """Return the files of folders that differ in the working tree.

        A renamed file is two: one that is gone, and a new one.

        Args:
            folders: in the clone.
            edited: folders of which files count that are not added to git yet, unless git ignores them.

        Raises:
            ConfigError: a folder is not in the clone.
        """
        top = self._top
        paths, new = ([str(each.resolve()) for each in some] for some in (folders, edited))
        raw = self._out("diff", "--raw", "-z", "--no-abbrev", "--no-renames", self.id, "--", *paths)
        rows = raw.decode(errors="surrogateescape").split("\0")[:-1]
        ids: dict[Path, str] = {}
        for row, name in zip(rows[::2], rows[1::2], strict=True):
            mode, _, old, _, _ = row.removeprefix(":").split(" ")
            ids[top / name] = old if mode in _FILES else ""
        untracked = self._out("ls-files", "-z", "--others", "--exclude-standard", "--full-name", "--", *new)
        for name in untracked.decode(errors="surrogateescape").split("\0")[:-1]:
            ids.setdefault(top / name, "")
        contents = self._contents(each for each in ids.values() if each.strip(_NOTHING))
        return [
            ChangedFile(path, contents.get(old), path.read_bytes() if path.is_file() else None)
            for path, old in sorted(ids.items())
        ]

    def files_in(self, folder: Path) -> Mapping[str, bytes]:
        """Return the files of a folder in the commit, by name, without those of folders in it."""
        listed = self._out("ls-tree", "-z", "--full-tree", self.id, f"{self._within(folder)}/")
        ids = {}
        for row in listed.decode(errors="surrogateescape").split("\0")[:-1]:
            about, _, name = row.partition("\t")
            mode, _, blob = about.split(" ")
            if mode in _FILES:
                ids[name.rpartition("/")[2]] = blob
        contents = self._contents(ids.values())
        return {name: contents[blob] for name, blob in ids.items()}

    @property
    def _top(self) -> Path:
        return Path(self._out("rev-parse", "--show-toplevel").decode().removesuffix("\n"))

    def _within(self, folder: Path) -> str:
        return folder.resolve().relative_to(self._top).as_posix()

    def _contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of files by their IDs in git."""
        wanted = list(dict.fromkeys(ids))
        out = self._out("cat-file", "--batch", stdin="".join(f"{each}\n" for each in wanted).encode())
        contents, start = {}, 0
        for each in wanted:
            end = out.index(b"\n", start)
            size = int(out[start:end].split(b" ")[2])
            contents[each] = out[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
        return contents

    def _out(self, *arguments: str, stdin: bytes = b"") -> bytes:
        out = _git(self.clone, *arguments, stdin=stdin)
        if out is None:
            raise ConfigError(f"{self.clone}: `git {arguments[0]}` failed; is all of it in one clone?")
        return out


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Return the output of git; None if git fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], input=stdin, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise not_on_path("git") from None
    return done.stdout if done.returncode == 0 else None
