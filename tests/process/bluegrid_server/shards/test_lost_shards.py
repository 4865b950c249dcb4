"""A shard that ends takes only its own models along, and the errors name it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx

from bluegrid_registry.shards import Shard
from tests.process.bluegrid_server.server_process import PATIENCE, running, wait_until_ready
from tests.process.bluegrid_server.shards.conftest import COUNT, UIDS, request_of, three_shards
from tests.support.pods import BASE

if TYPE_CHECKING:
    from pathlib import Path

LOST = 2


def test_the_other_shards_answer_and_name_the_lost_one_until_it_is_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        shards = stack.enter_context(three_shards(tmp_path))
        held = Shard(LOST, COUNT)
        lost = next(uid for uid in UIDS if held.holds(uid))
        client = shards.clients[0]
        assert client.post(f"/models/{lost}/infer", json=request_of(1)).status_code == 200

        shards.processes[LOST].kill()
        shards.processes[LOST].wait()

        answer = client.post(f"/models/{lost}/infer", json=request_of(1))
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        reason = "line-loading-d1-2, a shard of this cluster, does not answer: "
        assert answer.json()["error"].startswith(reason)
        assert client.get("/models").status_code == 503
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["reason"].startswith(reason)
        probe = client.get("/health/ready", headers={"Bluegrid-Shard": f"0/{COUNT}"})
        assert probe.json() == {"ready": True}

        items = [{"model_name": uid, "id": uid, **request_of(1)} for uid in UIDS]
        responses = client.post("/models:batchInfer", json={"requests": items}).json()["responses"]
        failed = [each["id"] for each in responses if "error" in each]
        assert failed == [uid for uid in UIDS if held.holds(uid)]
        assert all(each["error"].startswith(reason) for each in responses if "error" in each)
        assert [each["model_name"] for each in responses] == UIDS

        again = shards.settings_of(LOST)
        _, port = stack.enter_context(running(again, shards.ports[LOST]))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=PATIENCE) as restarted:
            wait_until_ready(restarted)
        assert client.post(f"/models/{lost}/infer", json=request_of(1)).status_code == 200


def test_during_a_rolling_update_an_answer_names_the_version_that_gave_it(tmp_path: Path) -> None:
    with three_shards(tmp_path, versions=("v1", "v2", "v2")) as shards:
        for index, client in enumerate(shards.clients):
            for uid in UIDS[:20]:
                owner = next(other for other in range(COUNT) if Shard(other, COUNT).holds(uid))
                model = f"/models/{uid}"
                for answer in (client.post(f"{model}/infer", json=request_of(1)), client.get(model)):
                    assert answer.status_code == 200, (index, owner, answer.text)
                    expected = [shards.settings_of(owner).version]
                    assert answer.headers.get_list("bluegrid-version") == expected
                    assert answer.headers.get_list("bluegrid-digest") == [shards.settings_of(owner).manifest]
                    assert answer.headers.get_list("bluegrid-cluster") == ["d1"]


def test_a_shard_without_models_is_refused(tmp_path: Path) -> None:
    with three_shards(tmp_path, start=False) as shards:
        settings = shards.settings.model_copy(update={"shard": Shard(63, 64), "peers": ()})
        with running(settings) as (process, _):
            output = "".join(process.communicate(timeout=PATIENCE))
    assert process.returncode != 0
    assert "set g1 version v1: shard 63/64 has none of 22 models; use fewer shards" in output, output
