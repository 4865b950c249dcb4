"""Any server of a cluster answers for every model, whichever shard has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from bluegrid_registry.shards import Shard, shard_of
from tests.process.bluegrid_server.shards.conftest import COUNT, UIDS, Shards, request_of

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings

HOP = "Bluegrid-Shard"


@pytest.mark.parametrize("index", range(COUNT))
def test_every_server_answers_for_every_model(shards: Shards, index: int) -> None:
    for uid in UIDS:
        answer = shards.clients[index].post(f"/models/{quote(uid, safe='')}/infer", json=request_of(2.0))
        assert answer.status_code == 200, answer.text
        assert answer.json()["model_name"] == uid
        assert answer.json()["outputs"][0]["data"] == pytest.approx([2 * shards.coefficients[uid]])
        assert answer.headers["bluegrid-digest"] == shards.settings.manifest
        assert answer.headers["bluegrid-version"] == "v1"


def test_an_answer_of_another_shard_is_the_same_to_the_byte(shards: Shards) -> None:
    for uid in UIDS:
        path = f"/models/{quote(uid, safe='')}"
        for method, end, content in (
            ("POST", "/infer", {"json": request_of(0.1, id="one")}),
            ("POST", "/versions/v1/infer", {"json": request_of(0.1)}),
            ("POST", "/infer", {"json": {}}),
            ("GET", "", {}),
            ("GET", "/ready", {}),
        ):
            answers = [client.request(method, path + end, **content) for client in shards.clients]
            assert len({(each.status_code, each.content) for each in answers}) == 1
            named = [{*each.headers} - {"date", "x-request-id"} for each in answers]
            assert named[0] == named[1] == named[2]


def test_the_names_of_a_request_come_back_once_and_reach_the_other_shard(shards: Shards) -> None:
    uid = shards.of_others(0)[0]
    for end in ("/infer", "/versions/v1/infer"):
        headers = {"X-Request-Id": "night-7", "traceparent": "00-1-2-01"}
        answer = shards.clients[0].post(f"/models/{uid}{end}", json=request_of(1), headers=headers)
        assert answer.headers.get_list("x-request-id") == ["night-7"]
        assert answer.headers.get_list("traceparent") == ["00-1-2-01"]
        assert answer.headers.get_list("bluegrid-cluster") == ["d1"]
        assert answer.headers.get_list("content-type") == ["application/json"]


def test_binary_tensors_pass_through_another_shard(shards: Shards) -> None:
    uid = shards.of_others(0)[0]
    asked = request_of(1.5, parameters={"binary_data_output": True})
    answers = [client.post(f"/models/{uid}/infer", json=asked) for client in shards.clients]
    assert len({each.content for each in answers}) == 1
    assert len({each.headers["inference-header-content-length"] for each in answers}) == 1


def non_finite(settings: Settings) -> float:
    """Return how many values a server has counted that are not finite."""
    text = httpx.get(f"http://127.0.0.1:{settings.metrics_port}/metrics").text
    (line,) = re.findall(r"^model_infer_non_finite_values_total\{.*\} (.*)$", text, re.MULTILINE)
    return float(line)


def test_remarks_of_another_shard_are_counted_once_where_the_client_asked(shards: Shards) -> None:
    before = [non_finite(shards.settings_of(index)) for index in range(COUNT)]
    uid = next(uid for uid in shards.of_others(0) if shards.coefficients[uid] > 1)
    for end in ("/infer", "/versions/v1/infer"):
        answer = shards.clients[0].post(f"/models/{uid}{end}", json=request_of(1.7e308))
        assert answer.json()["outputs"][0]["data"] == [None]
        assert answer.headers["Bluegrid-Non-Finite"] == "1"
    after = [non_finite(shards.settings_of(index)) for index in range(COUNT)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 0, 0]


def test_the_simple_form_finds_the_shard_of_its_model(shards: Shards) -> None:
    for client in shards.clients:
        url = str(client.base_url).removesuffix("v2/") + "predict"
        for uid in UIDS:
            answer = client.post(url, json={"model": uid, "instances": [[3.0]]})
            assert answer.json()["predictions"] == pytest.approx([3 * shards.coefficients[uid]])
        assert client.post(url, json={"instances": [[3.0]]}).status_code == 400


def test_a_batch_across_shards_comes_back_in_the_order_of_its_requests(shards: Shards) -> None:
    uids = [*reversed(UIDS), "no-such-line", UIDS[3]]
    items = [{"model_name": uid, "id": f"{n}", **request_of(float(n))} for n, uid in enumerate(uids)]
    answers = [client.post("/models:batchInfer", json={"requests": items}) for client in shards.clients]
    assert len({each.content for each in answers}) == 1
    responses = answers[0].json()["responses"]
    assert [each["model_name"] for each in responses] == uids
    assert [each["id"] for each in responses] == [f"{n}" for n in range(len(uids))]
    for n, (uid, each) in enumerate(zip(uids, responses, strict=True)):
        if uid in shards.coefficients:
            assert each["outputs"][0]["data"] == pytest.approx([n * shards.coefficients[uid]], abs=1e-9)
        else:
            assert each["error"] == "no model 'no-such-line' in this version"


def test_head_is_answered_at_once_and_without_a_body(shards: Shards) -> None:
    for client in shards.clients:
        for path in ("/health/ready", "/models", *(f"/models/{uid}" for uid in UIDS[:4])):
            answer = client.head(path, timeout=10)
            assert (answer.status_code, answer.content) == (200, b""), path


def test_large_answers_of_another_shard_are_compressed_as_its_own(shards: Shards) -> None:
    uid = shards.of_others(0)[0]
    items = [{"model_name": uid, **request_of(1.0)} for _ in range(2000)]
    for encoding in ("gzip", "identity"):
        headers = {"accept-encoding": encoding}
        answer = shards.clients[0].post("/models:batchInfer", json={"requests": items}, headers=headers)
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert len(answer.json()["responses"]) == len(items)


def test_a_batch_that_is_none_is_refused_as_without_shards(shards: Shards) -> None:
    answer = shards.clients[0].post("/models:batchInfer", json={"requests": [1]})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("requests: expected a list")


def test_lists_are_of_all_shards(shards: Shards) -> None:
    for client in shards.clients:
        assert client.get("/models").json() == {"models": sorted(UIDS)}
        index = client.post("/repository/index").json()
        assert [each["name"] for each in index] == sorted(UIDS)
        assert {each["state"] for each in index} == {"READY"}


def test_a_request_with_the_header_is_answered_by_the_server_alone(shards: Shards) -> None:
    for index, client in enumerate(shards.clients):
        hop = {HOP: f"{index}/{COUNT}"}
        held = [uid for uid in UIDS if Shard(index, COUNT).holds(uid)]
        assert client.get("/models", headers=hop).json() == {"models": sorted(held)}
        other = shards.of_others(index)[0]
        answer = client.post(f"/models/{other}/infer", json=request_of(1), headers=hop)
        assert answer.status_code == 404


def test_a_request_for_another_shard_is_refused_by_name(shards: Shards) -> None:
    for end in ("/infer", "/versions/v1/infer"):
        answer = shards.clients[1].post(
            f"/models/line-1{end}", json=request_of(1), headers={HOP: f"0/{COUNT}"}
        )
        assert answer.status_code == 421
        assert answer.json()["error"] == "Bluegrid-Shard: '0/3', and this is line-loading-d1-1 (1/3)"


def test_models_of_the_three_shards_are_all_models_once() -> None:
    assert {shard_of(uid, COUNT) for uid in UIDS} == {0, 1, 2}


def test_many_requests_at_once_share_few_connections(shards: Shards) -> None:
    uid = shards.of_others(0)[0]
    items = [{"model_name": uid, **request_of(1.0)} for uid in shards.of_others(0)] * 300
    answer = shards.clients[0].post("/models:batchInfer", json={"requests": items})
    assert len(answer.json()["responses"]) == len(items)
    assert not [each for each in answer.json()["responses"] if "error" in each]
    limits = httpx.Limits(max_connections=16)
    with httpx.Client(base_url=shards.clients[0].base_url, limits=limits) as client:
        for _ in range(200):
            assert client.post(f"/models/{uid}/infer", json=request_of(1)).status_code == 200
