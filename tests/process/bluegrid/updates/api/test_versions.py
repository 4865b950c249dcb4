"""The changes of versions, and the history of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.skops_files import skops_file
from tests.support.updating import batch, ended, upload

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def client(client: httpx.Client) -> httpx.Client:
    """v1 has line-0 to line-2; v2 changes line-1; v3 adds line-3 and lacks line-0; v4 equals v3."""
    again, new = skops_file("model 1, retrained"), skops_file("model 3")
    for wanted in (
        {"base": "v1", "models": {"line-1": upload(client, again)}},
        {"base": "v2", "without": ["line-0"], "batch": upload(client, batch({"line-3": new}))},
        {"base": "v3", "batch": upload(client, batch({"line-3": new}))},
    ):
        update = ended(client, client.post("/modelSets/g1/updates", json=wanted))
        assert update["state"] == "done", update
    return client


def test_a_version_says_what_it_changed(client: httpx.Client) -> None:
    def changes(version: str, **query: str) -> dict[str, Any]:
        answer = client.get(f"/modelSets/g1/versions/{version}/changes", params=query)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    first = changes("v1")
    assert (first["since"], first["added"]) == (None, ["line-0", "line-1", "line-2"])
    assert changes("v3") == {
        "version": "v3",
        "since": "v2",
        "models": 3,
        "changed": [],
        "added": ["line-3"],
        "removed": ["line-0"],
        "breaking": [],
        "inputs": [],
        "outputs": [],
        "metrics": [],
    }
    assert changes("v3", since="v1")["changed"] == ["line-1"]
    missing = client.get("/modelSets/g1/versions/v3/changes", params={"since": "v9"})
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "set g1 has no version v9; declared: v1, v2, v3, v4",
    )


@pytest.mark.parametrize(
    ("uid", "limit", "message"),
    [
        ("line-0", 20, ["absent", "removed", "same", "added"]),
        ("line-1", 20, ["same", "same", "changed", "added"]),
        ("line-3", 20, ["same", "added", "absent", "absent"]),
        ("line-1", 3, ["same", "same", "changed"]),
    ],
)
def test_a_model_has_a_history(client: httpx.Client, uid: str, limit: int, message: list[str]) -> None:
    rows = client.get(f"/modelSets/g1/models/{uid}", params={"limit": limit}).json()
    assert [row["version"] for row in rows] == ["v4", "v3", "v2", "v1"][:limit]
    assert [row["change"] for row in rows] == message
    assert [row["sha256"] is None for row in rows] == [each in ("absent", "removed") for each in message]


def test_a_model_that_never_was_has_none(client: httpx.Client) -> None:
    missing = client.get("/modelSets/g1/models/line-9")
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "set g1 has no model line-9 in its newest 4 versions",
    )


def test_a_history_tells_who_trained_each_model_and_how_good_it_is(client: httpx.Client) -> None:
    for version, text, mae in (("v5", "March", 0.04), ("v6", "April", 0.03)):
        trained = {"author": "ada", "run": text, "metrics": {"mae": mae}}
        models = {"line-2": upload(client, skops_file(f"model 2 of {text}"))}
        wanted = {"version": version, "base": "v4", "models": models, "lineage": {"line-2": trained}}
        assert ended(client, client.post("/modelSets/g1/updates", json=wanted))["state"] == "done"
    newest, before, *_ = client.get("/modelSets/g1/models/line-2", params={"limit": 3}).json()
    assert (newest["lineage"]["metrics"], newest["lineage"]["run"]) == ({"mae": 0.03}, "April")
    assert (before["lineage"]["author"], before["lineage"]["tags"]) == ("ada", None)
    changes = client.get("/modelSets/g1/versions/v6/changes").json()
    assert changes["metrics"] == [
        {"metric": "mae", "models": 1, "rose": 0, "fell": 1, "old": 0.04, "new": 0.03}
    ]


def test_a_lineage_of_a_model_that_is_not_sent_is_refused(client: httpx.Client) -> None:
    wanted = {"base": "v4", "without": ["line-1"], "lineage": {"line-9": {"author": "ada"}}}
    refused = client.post("/modelSets/g1/updates", json=wanted)
    assert refused.status_code == 400
    assert "lineage: line-9 is not one of models; correct the UID, or send its model" in refused.text
