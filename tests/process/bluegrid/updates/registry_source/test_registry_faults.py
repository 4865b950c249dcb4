"""A mistake in one set's file affects only that set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.skops_files import skops_file
from tests.support.updating import SOMEBODY, content_digest, ended, git

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place


RETRAINED = skops_file("model 1, retrained")
PATH = "/modelSets/{}/versions/v1/models/line-1"
BROKEN = 'versions:\n  - {id: v1, manifest: "sha256:12", updated: 2026-11-22T08:00:00Z}\n'
FAULT = "registry/g2.yaml:8: versions[0].manifest: 'sha256:12' is not a digest"


@pytest.fixture
def broken(place: Place, git_client: httpx.Client) -> Path:
    """A user's checkout, after a mistake in the file of set g2."""
    work = place.folder / "work"
    text = (work / "registry" / "g1.yaml").read_text()
    _push(work, text.replace("id: g1", "id: g2").replace("Line loading", "Lines of the south"))
    head = text.partition("versions:")[0].replace("id: g1", "id: g2")
    _push(work, head + BROKEN)
    return work


def _push(work: Path, text: str, name: str = "g2") -> None:
    git("-C", work, "pull", "--quiet", "--ff-only", "origin", "main")
    (work / "registry" / f"{name}.yaml").write_text(text)
    git("-C", work, "add", ".")
    git("-C", work, *SOMEBODY, "commit", "--quiet", "--message=By hand")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")


def update(client: httpx.Client, set_id: str) -> httpx.Response:
    return client.put(PATH.format(set_id), content=RETRAINED, headers=content_digest(RETRAINED))


def test_the_other_sets_are_served_and_updated_and_the_mistake_is_named(
    broken: Path, git_client: httpx.Client, remote: Path
) -> None:
    done = ended(git_client, update(git_client, "g1"))
    assert (done["state"], done["version"]) == ("done", "v2")
    sets = {row["id"]: row for row in git_client.get("/modelSets").json()}
    assert (sets["g1"]["fault"], sets["g2"]["name"]) == (None, "Lines of the south")
    assert sets["g2"]["fault"].startswith(FAULT)
    # The file with the mistake stays as its author has committed it.
    assert "sha256:12" in git("-C", remote, "show", "main:registry/g2.yaml")


def test_the_set_with_the_mistake_is_not_changed_until_it_is_corrected(
    broken: Path, git_client: httpx.Client
) -> None:
    ended(git_client, update(git_client, "g1"))
    refused = update(git_client, "g2")
    assert refused.status_code == 409
    assert refused.json()["error"].startswith(FAULT)
    text = git("-C", broken, "show", "HEAD~1:registry/g2.yaml") + "\n"
    _push(broken, text)
    done = ended(git_client, update(git_client, "g1"))
    assert done["state"] == "done"
    assert [row["fault"] for row in git_client.get("/modelSets").json()] == [None, None]


def test_a_file_that_takes_a_name_of_another_is_the_one_that_is_wrong(
    place: Place, git_client: httpx.Client
) -> None:
    work = place.folder / "work"
    service = "service: {name: lines, live: d1, clusters: [{id: d1, version: v1, cpu: 1, memory: 1Gi}]}\n"
    g1 = (work / "registry" / "g1.yaml").read_text()
    _push(work, g1 + service, "g1")
    _push(work, g1.replace("id: g1", "id: a1") + service, "a1")
    ended(git_client, update(git_client, "g1"))
    (owner,) = git_client.get("/services").json()
    assert owner["set"] == "g1"


def test_in_a_folder_too_the_other_sets_are_served(client: httpx.Client, place: Place) -> None:
    text = (place.registry / "g1.yaml").read_text()
    (place.registry / "g2.yaml").write_text(text.replace("id: g1", "id: g2"))
    assert [row["id"] for row in client.get("/modelSets").json()] == ["g1", "g2"]
    (place.registry / "g2.yaml").write_text(text.replace("id: g1", "id: g2") + "colour: red\n")
    one, two = client.get("/modelSets").json()
    assert (one["fault"], two["fault"].partition(": ")[0]) == (None, "registry/g2.yaml:9")
