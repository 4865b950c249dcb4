"""Many tiny models in shards, under load on the node: 20,000 of them in a run at full size.

ModelMesh's published density is the yardstick: 20,000 tiny models on 8 CPUs, 1,000 requests a second. That is
250 a second on 2 cores.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import skops.io
from sklearn.linear_model import Ridge

from tests.support.endurance import FULL, measured, scale
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE, SET
from tools.load.process import Load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.conftest import Local

SHARDS = 4
INPUTS = 8
DIFFERENT = 50
"""Different models; the version repeats them, and pods load each copy."""


def write_models(folder: Path, count: int) -> Path:
    """Write models below `<folder>/v1`, and the requests to all of them; return the file of requests."""
    random = np.random.default_rng(20)
    x, row = random.normal(size=(3 * INPUTS, INPUTS)), random.normal(size=INPUTS).round(6)
    fitted = [Ridge().fit(x, x @ random.normal(size=INPUTS)) for _ in range(DIFFERENT)]
    content = [skops.io.dumps(model) for model in fitted]
    answers = [model.predict([row]).tolist() for model in fitted]
    (folder / "v1").mkdir(parents=True)
    inputs, expected = {}, {}
    for number in range(count):
        uid = f"line-{number}"
        (folder / "v1" / f"{uid}.skops").write_bytes(content[number % DIFFERENT])
        inputs[uid], expected[uid] = [row.tolist()], answers[number % DIFFERENT]
    requests = folder / "requests.json"
    requests.write_text(json.dumps({"inputs": inputs, "answers": {"v1": expected}}))
    return requests


def test_tiny_models_in_shards_answer_at_modelmesh_s_rate(local: Local, tmp_path: Path) -> None:
    count, rate = scale(200, 20_000), scale(50, 250)
    requests = write_models(tmp_path, count)
    work = local.workspace("density", host="density.test")
    steps.declare_set(work, EXAMPLE)
    steps.push(work, tmp_path / "v1", "v1")
    row = f"{{id: d1, version: v1, shards: {SHARDS}, cpu: 500m, gpu: 0, memory: 512Mi}}"
    file = work.registry / f"{SET}.yaml"
    file.write_text(f"{file.read_text()}service:\n  name: {SERVICE}\n  live: d1\n  clusters:\n    - {row}\n")
    steps.up(work).require()
    try:
        report = work.state / "density.json"
        seconds = scale(10, 300)
        with Load.start(
            work.place.route_url, SERVICE, requests, report, rate, seconds=seconds + 60, host=work.host
        ) as load:
            load.wait_until(lambda figures: figures.seconds > seconds, seconds + 50)
            seen = load.stop()
    finally:
        local.remove(work)
    if FULL:
        measured(
            models=count,
            shards=SHARDS,
            requests=seen.sent,
            rate=round(seen.rate),
            failed=seen.failed_total,
            p50_ms=round(seen.latency_ms.p50, 1),
            p99_ms=round(seen.latency_ms.p99, 1),
        )
    assert seen.failed_total == 0, seen.failures
    assert seen.ok == seen.sent > 0
