"""With a repository, an update is a commit on its branch, or has not happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.skops_files import skops_file
from tests.unit.updates.updating import SOMEBODY, content_digest, ended, git

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.unit.updates.updating import Place

RETRAINED = skops_file("model 1, retrained")
PATH = "/modelSets/g1/versions/v1/models/line-1"


def test_an_update_is_a_commit_by_whoever_asked(git_client: httpx.Client, remote: Path) -> None:
    update = ended(git_client, git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
    assert update["state"] == "done"
    assert update["result"]["commit"] == git("-C", remote, "rev-parse", "main")
    author, subject = git("-C", remote, "log", "-1", "--format=%an|%s", "main").split("|")
    assert author == "training"
    assert subject == "g1: version v2 from v1, 1 of 3 models sent"
    assert "- {id: v2," in git("-C", remote, "show", "main:registry/g1.yaml")


def test_what_others_push_meanwhile_stays(git_client: httpx.Client, place: Place, remote: Path) -> None:
    work = place.folder / "work"
    file = work / "registry" / "g1.yaml"
    file.write_text(file.read_text().replace("Line loading", "Loading of lines"))
    git("-C", work, *SOMEBODY, "commit", "-qam", "Another name")
    git("-C", work, "push", "-q", "origin", "HEAD:main")
    assert ended(git_client, git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
    text = git("-C", remote, "show", "main:registry/g1.yaml")
    assert "Loading of lines" in text
    assert "v2" in text
    assert git("-C", remote, "rev-list", "--count", "main") == "3"


def test_a_push_that_is_rejected_undoes_the_step(
    git_client: httpx.Client, place: Place, remote: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    update = ended(git_client, git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
    assert update["state"] == "failed"
    assert "protected branch" in update["error"]
    assert "v2" not in (place.folder / "state" / "clone" / "registry" / "g1.yaml").read_text()
    hook.unlink()
    again = ended(git_client, git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
    assert (again["state"], again["version"]) == ("done", "v2")
