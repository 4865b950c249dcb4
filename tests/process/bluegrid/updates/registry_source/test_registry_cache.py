"""What was live before is read from git once, and again where a file or its history has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.operations import lives_before
from bluegrid.updates.registry_source import registry_cache
from bluegrid.updates.registry_source.registry_cache import RegistryCache
from bluegrid.updates.registry_source.source import Folder, SourceHealth
from tests.support.updating import SOMEBODY, git

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
set: {{id: {0}, name: {0}, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{1}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{1}", updated: 2026-11-22T08:00:00Z}}
service:
  name: service-{0}
  live: {2}
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 1, memory: 1Gi}}
    - {{id: d2, version: v2, replicas: 1, cpu: 1, memory: 1Gi}}
"""


class Clone(Folder):
    """A folder in a clone, whose commit is known."""

    @property
    def health(self) -> SourceHealth:
        return SourceHealth(0.0, commit=str(git("-C", self.registry, "rev-parse", "HEAD")).strip())


@dataclass
class Read:
    """A cache, and the sets whose history it has read."""

    folder: Path
    cache: RegistryCache
    sets: list[str] = field(default_factory=list)

    def declare(self, set_id: str, live: str) -> None:
        (self.folder / f"{set_id}.yaml").write_text(FILE.format(set_id, "1" * 64, live))

    def commit(self) -> None:
        git("-C", self.folder, "add", ".")
        git("-C", self.folder, *SOMEBODY, "commit", "--quiet", "--message=Next")

    def before(self) -> dict[str, str | None]:
        """Return the cluster that was live before in north, by set."""
        files = self.cache.registry().files
        found = self.cache.before(files, ["north", "east"])
        regions = {file.set.id: found[f"service-{file.set.id}"]["north"] for file in files}
        return {name: None if each is None else each.cluster for name, each in regions.items()}

    def read_now(self) -> list[str]:
        """Return the sets whose history was read since the last call."""
        self.before()
        now, self.sets = sorted(self.sets), []
        return now


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    folder = tmp_path / "registry"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", folder)
    read = Read(folder, RegistryCache(Clone(folder)))
    for set_id in ("g1", "g2"):
        read.declare(set_id, "d1")
    read.commit()

    def noted(file: Path, *rest: Any) -> object:
        read.sets.append(file.stem)
        return lives_before(file, *rest)

    monkeypatch.setattr(registry_cache, "lives_before", noted)
    return read


def test_each_history_is_read_once_for_all_regions(read: Read) -> None:
    assert read.read_now() == ["g1", "g2"]
    assert read.read_now() == []


def test_a_switch_and_its_commit_concern_that_file_alone(read: Read) -> None:
    assert read.before() == {"g1": None, "g2": None}
    read.sets.clear()
    read.declare("g1", "d2")
    assert read.before() == {"g1": "d1", "g2": None}
    assert read.read_now() == ["g1"]
    read.commit()
    # Not the file, but its history has changed: the switch has a commit now.
    assert read.read_now() == ["g1"]
    assert read.before() == {"g1": "d1", "g2": None}


def test_a_commit_that_was_taken_back_is_forgotten(read: Read) -> None:
    read.declare("g2", "d2")
    read.commit()
    assert read.before() == {"g1": None, "g2": "d1"}
    git("-C", read.folder, "reset", "--quiet", "--hard", "HEAD~1")
    assert read.before() == {"g1": None, "g2": None}


def test_a_history_that_git_does_not_have_is_read_again_as_a_whole(read: Read) -> None:
    read.read_now()
    git("-C", read.folder, *SOMEBODY, "commit", "--quiet", "--amend", "--message=Other")
    git("-C", read.folder, "reflog", "expire", "--expire=now", "--all")
    git("-C", read.folder, "gc", "--quiet", "--prune=now")
    assert read.read_now() == ["g1", "g2"]
