"""A hundred concurrent requests are all served, or refused for their own mistakes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.skops_files import skops_file
from tests.support.updating import digest, ended

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


MANY = 100


def test_a_hundred_uploads_at_once_are_all_kept_but_for_those_that_arrive_damaged(
    client: httpx.Client, place: Place
) -> None:
    models = {f"line-{number}": skops_file(f"model {number}, again") for number in range(MANY)}
    damaged = {uid for number, uid in enumerate(models) if number % 10 == 9}

    def send(uid: str) -> int:
        data = models[uid]
        body = bytes([data[0] ^ 1]) + data[1:] if uid in damaged else data
        return client.put(f"/uploads/{digest(data)}", content=body).status_code

    with ThreadPoolExecutor(MANY) as threads:
        statuses = dict(zip(models, threads.map(send, models), strict=True))
    assert {uid for uid, status in statuses.items() if status == 400} == damaged
    assert {*statuses.values()} == {201, 400}
    wanted = {uid: digest(data) for uid, data in models.items() if uid not in damaged}
    update = ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", "models": wanted}))
    assert update["state"] == "done", update
    published = place.models("v2")
    assert {uid: published[uid] for uid in wanted} == {uid: models[uid] for uid in wanted}


def test_a_hundred_who_send_the_same_upload_leave_one(client: httpx.Client, place: Place) -> None:
    data = skops_file("the same")
    with ThreadPoolExecutor(MANY) as threads:
        answers = [*threads.map(lambda _: client.put(f"/uploads/{digest(data)}", content=data), range(MANY))]
    assert {answer.status_code for answer in answers} <= {200, 201}
    (kept,) = (place.folder / "state" / "uploads").iterdir()
    assert kept.read_bytes() == data


def test_a_request_that_is_sent_a_hundred_times_with_one_key_is_one_update(
    client: httpx.Client, place: Place
) -> None:
    wanted = {"base": "v1", "without": ["line-1"]}
    with ThreadPoolExecutor(MANY) as threads:
        answers = [
            *threads.map(
                lambda _: client.post(
                    "/modelSets/g1/updates", json=wanted, headers={"Idempotency-Key": "nightly"}
                ),
                range(MANY),
            )
        ]
    assert {answer.headers["Location"] for answer in answers} == {"/updates/1"}
    assert ended(client, answers[0])["state"] == "done"
    assert place.versions() == ["v1", "v2"]
