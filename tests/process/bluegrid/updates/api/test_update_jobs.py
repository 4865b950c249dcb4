"""Updates as jobs: made once and in order, listed, logged and cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.skops_files import skops_file
from tests.support.updating import ended, upload

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


RETRAINED = skops_file("model 1, retrained")


def test_the_same_key_means_the_same_update(client: httpx.Client, place: Place) -> None:
    body = {"base": "v1", "models": {"line-1": upload(client, RETRAINED)}}
    key = {"Idempotency-Key": "night-17"}
    first, again = (client.post("/modelSets/g1/updates", json=body, headers=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    ended(client, first)
    other = client.post("/modelSets/g1/updates", json={**body, "version": "v9"}, headers=key)
    assert other.status_code == 422
    assert "night-17 was used for another request" in other.json()["error"]
    assert place.versions() == ["v1", "v2"]


def test_updates_of_a_set_are_made_one_after_the_other(client: httpx.Client, place: Place) -> None:
    answers = [
        client.post(
            "/modelSets/g1/updates",
            json={"base": "v1", "models": {f"line-{number}": upload(client, skops_file(f"n {number}"))}},
        )
        for number in range(10)
    ]
    updates = [ended(client, answer) for answer in answers]
    assert {update["state"] for update in updates} == {"done"}
    assert [update["version"] for update in updates] == [f"v{number}" for number in range(2, 12)]
    assert place.versions() == [f"v{number}" for number in range(1, 12)]


def test_lists_do_not_carry_every_name_of_a_large_request(client: httpx.Client) -> None:
    models = {f"line-{number}": upload(client, RETRAINED) for number in range(200)}
    answer = client.post("/modelSets/g1/updates", json={"models": models})
    assert ended(client, answer)["wanted"]["models"] == models
    (update,) = client.get("/updates").json()
    assert (len(update["wanted"]["models"]), update["named_models"]) == (10, 200)
    detail = client.get("/audit-events").json()[0]["detail"]
    assert (len(detail["wanted"]["models"]), detail["named_models"]) == (10, 200)


def test_updates_are_listed_page_by_page(client: httpx.Client) -> None:
    for number in range(3):
        ended(
            client, client.post("/modelSets/g1/updates", json={"base": "v1", "without": [f"line-{number}"]})
        )
    first = client.get("/updates", params={"limit": 2}).json()
    rest = client.get("/updates", params={"limit": 2, "before": first[-1]["id"]}).json()
    assert [update["id"] for update in first + rest] == [3, 2, 1]


def test_the_audit_log_says_who_asked_for_what_and_what_came_of_it(client: httpx.Client) -> None:
    body = {"base": "v1", "models": {"line-1": upload(client, RETRAINED)}}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    events = client.get("/audit-events").json()
    assert [(event["author"], event["act"]) for event in events] == [
        ("training", "requested"),
        ("training", "started"),
        ("training", "published"),
        ("training", "done"),
    ]
    assert events[0]["detail"]["wanted"]["base"] == "v1"
    assert events[3]["detail"]["result"]["manifest"] == update["result"]["manifest"]
    assert client.get("/audit-events", params={"after": events[1]["id"]}).json() == events[2:]


def test_an_update_that_waits_is_cancelled_at_once_and_one_that_has_ended_is_not(
    client: httpx.Client, place: Place
) -> None:
    models = {f"line-{number}": upload(client, skops_file(f"n {number}")) for number in range(50)}
    first, second = (client.post("/modelSets/g1/updates", json={"models": models}) for _ in range(2))
    cancelled = client.post(f"{second.headers['Location']}/cancel")
    assert cancelled.status_code == 202
    assert ended(client, first)["state"] == "done"
    assert ended(client, second)["state"] == "cancelled"
    assert place.versions() == ["v1", "v2"]
    assert client.post(f"{first.headers['Location']}/cancel").status_code == 409
