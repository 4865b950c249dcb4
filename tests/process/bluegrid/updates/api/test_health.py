"""Load balancers and Prometheus see faults of the server; a full disk is named."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.skops_files import skops_file
from tests.support.updating import SOMEBODY, content_digest, digest, git, until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place


MODEL = skops_file("model 1, retrained")
PATH = "/modelSets/g1/versions/v1/models/line-1"


def health(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/healthz", headers={"Authorization": ""})
    found: dict[str, Any] = answer.json()
    return {"code": answer.status_code, **found}


def test_a_server_that_is_well_says_so(git_client: httpx.Client) -> None:
    assert health(git_client) == {"code": 200, "status": "ok", "faults": {}}


def test_a_server_without_git_is_degraded_and_stays_in_service(
    git_client: httpx.Client, remote: Path
) -> None:
    remote.rename(remote.with_name("aside.git"))
    git_client.put(PATH, content=MODEL, headers=content_digest(MODEL)).raise_for_status()
    found = until(lambda: health(git_client), lambda found: "updates" in found["faults"])
    assert (found["code"], found["status"]) == (200, "degraded")
    assert found["faults"]["git"] == "git does not answer, or refuses"
    # A response without a token names no address.
    assert str(remote.parent) not in str(found)
    remote.with_name("aside.git").rename(remote)


@pytest.fixture
def curious(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server poll without a pause."""
    monkeypatch.setattr("bluegrid.updates.health.CHECK_SECONDS", 0.05)
    monkeypatch.setattr("bluegrid.updates.health.FETCH_SECONDS", 0.0)


@pytest.mark.usefixtures("curious")
def test_what_people_commit_is_seen_whatever_the_workers_are_at(
    remote: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid.updates.runners.update_runner.UpdateRunner._work_off", lambda _: None)
    client = request.getfixturevalue("git_client")
    work = remote.with_name("work")
    (work / "registry" / "g2.yaml").write_text("set: [")
    git("-C", work, "add", ".")
    git("-C", work, *SOMEBODY, "commit", "--quiet", "--message=By hand")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")
    until(lambda: health(client), lambda found: "registry" in found["faults"])


def test_a_store_that_is_not_there_is_named(client: httpx.Client, place: Place) -> None:
    assert health(client)["status"] == "ok"
    (place.folder / "store").rename(place.folder / "aside")
    found = until(lambda: health(client), lambda found: "store" in found["faults"])
    assert found["faults"]["store"] == "the store's folder is not there"


def test_metrics_tell_updates_ages_and_what_is_not_well(git_client: httpx.Client) -> None:
    answer = git_client.get("/metrics", headers={"Authorization": ""})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = dict(re.findall(r"^(\w+(?:\{[^}]*\})?) ([\d.e+]+)$", answer.text, re.MULTILINE))
    assert values['bluegrid_updates{state="failed"}'] == "0"
    assert values['bluegrid_well{check="git"}'] == "1"
    assert float(values["bluegrid_registry_age_seconds"]) < 600


def test_a_full_disk_is_named(client: httpx.Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bluegrid.updates.publishing.uploads.os.fsync", full)
    refused = client.put(f"/uploads/{digest(MODEL)}", content=MODEL)
    assert (refused.status_code, refused.json()["error"]) == (
        507,
        "the server's disk is full; free space, and send it again",
    )
