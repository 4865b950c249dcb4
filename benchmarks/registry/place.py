"""Registries of any size, and git repositories with their history."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bluegrid_registry import sha256_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = "registry"
SERVICE = "service-0001"
"""A service of every registry; its set is `SET`."""
SET = "g0001"
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)
_SWITCHED_EVERY = 5
"""Versions of a set after which its service is switched."""


def create(folder: Path, sets: int, versions: int) -> Path:
    """Write the registry of a project; each set has a service with clusters of its first two versions.

    Args:
        folder: of the project.
        sets: number of sets.
        versions: of each set.
    """
    registry = folder / REGISTRY
    registry.mkdir(parents=True)
    for number in range(sets):
        text = _text(number, versions, live=1)
        (registry / f"{_set(number)}.yaml").write_text(text, encoding="utf-8")
    return folder


def create_history(folder: Path, sets: int, commits: int) -> Path:
    """Make a git repository: each day, the next set gets a version, and every fifth time it is switched.

    Args:
        folder: of the repository, which is a project.
        sets: number of sets.
        commits: days.
    """
    _git("init", "--quiet", "--initial-branch", "main", str(folder))
    _git("-C", str(folder), "fast-import", "--quiet", stdin=b"".join(_stream(sets, commits)))
    _git("-C", str(folder), "reset", "--quiet", "--hard", "main")
    return folder


def _stream(sets: int, commits: int) -> Iterator[bytes]:
    """Yield the input of `git fast-import` (https://git-scm.com/docs/git-fast-import)."""
    yield _commit(0, {number: _text(number, 2, live=1) for number in range(sets)})
    for day in range(1, commits):
        number, turn = day % sets, day // sets + 1
        live = 1 + turn // _SWITCHED_EVERY % 2
        yield _commit(day, {number: _text(number, 2 + turn, live)})


def _commit(day: int, files: dict[int, str]) -> bytes:
    subject = f"day {day}".encode()
    when = int((_START + timedelta(days=day)).timestamp())
    parts = [
        b"commit refs/heads/main\ncommitter Ada <ada@example.org> %d +0000\n" % when,
        b"data %d\n%s\n" % (len(subject), subject),
    ]
    for number, text in files.items():
        data = text.encode()
        path = f"{REGISTRY}/{_set(number)}.yaml".encode()
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(data), data))
    return b"".join(parts)


def _text(number: int, versions: int, live: int) -> str:
    rows = (_row(number, version) for version in range(1, versions + 1))
    clusters = (
        f"    - {{id: d{each}, version: v{each}, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}\n"
        for each in range(1, min(versions, 2) + 1)
    )
    return (
        f"set: {{id: {_set(number)}, name: Line loading {number}, task: regression, "
        "type: scikit-learn/skops, source: platform}\n"
        f"versions:\n{''.join(rows)}"
        f"service:\n  name: service-{number:04d}\n  live: d{live}\n  clusters:\n{''.join(clusters)}"
    )


def _row(number: int, version: int) -> str:
    digest = sha256_digest(f"{number} {version}".encode())
    updated = (_START + timedelta(days=version)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'  - {{id: v{version}, manifest: "{digest}", updated: {updated}}}\n'


def _set(number: int) -> str:
    return f"g{number:04d}"


def _git(*arguments: str, stdin: bytes | None = None) -> None:
    subprocess.run(["git", *arguments], input=stdin, check=True)
