"""With a repository, an update is a commit on the branch, or changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.skops_files import skops_file
from tests.support.updating import SOMEBODY, content_digest, ended, git, until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place


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


def test_a_push_that_was_rejected_leaves_nothing_for_others_to_stumble_over(
    git_client: httpx.Client, remote: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho policy >&2\nexit 1\n")
    hook.chmod(0o755)
    rejected = git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED))
    failed = ended(git_client, rejected)
    assert (failed["state"], failed["version"]) == ("failed", None)
    hook.unlink()
    versions = []
    for number in range(3):
        model = skops_file(f"other {number}")
        update = ended(git_client, git_client.put(PATH, content=model, headers=content_digest(model)))
        versions.append((update["state"], update["version"]))
    # The store has v2 of the rejected update.
    assert versions == [("done", "v3"), ("done", "v4"), ("done", "v5")]
    again = git_client.post(f"{rejected.headers['Location']}/retry")
    update = ended(git_client, again)
    assert (update["state"], update["version"]) == ("done", "v6")
    assert git_client.post(f"{again.headers['Location']}/retry").status_code == 409


@pytest.mark.parametrize("part", ["remote.git", "store"])
def test_what_git_or_the_store_do_not_answer_waits_until_they_do(
    git_client: httpx.Client, place: Place, remote: Path, part: str
) -> None:
    answers = []
    aside = place.folder / "aside"
    for number in range(3):
        model = skops_file(f"retrained {number}")
        if number == 0:
            (place.folder / part).rename(aside)
        answers.append(git_client.put(PATH, content=model, headers=content_digest(model)))
    first = until(
        lambda: git_client.get(answers[0].headers["Location"]).json(), lambda one: one["state"] == "waiting"
    )
    assert first["error"]
    assert first["next_try"] is not None
    aside.rename(place.folder / part)
    updates = [ended_in_the_end(git_client, answer) for answer in answers]
    assert [(update["state"], update["version"]) for update in updates] == [
        ("done", f"v{number}") for number in (2, 3, 4)
    ]


def test_an_update_that_waits_is_cancelled_at_once(
    git_client: httpx.Client, place: Place, remote: Path
) -> None:
    aside = place.folder / "aside"
    remote.rename(aside)
    answer = git_client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED))
    until(lambda: git_client.get(answer.headers["Location"]).json(), lambda one: one["state"] == "waiting")
    cancelled = git_client.post(f"{answer.headers['Location']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    aside.rename(remote)


def ended_in_the_end(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    states = ("queued", "running", "waiting")
    found: dict[str, Any] = until(
        lambda: client.get(answer.headers["Location"]).json(), lambda one: one["state"] not in states
    )
    return found
