"""A pod whose models are all read as data never holds their framework, however it is started."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import psutil
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.svm import SVR

from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, ROWS, tensor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from bluegrid_server.settings import Settings
    from tests.support.pods import Trained


def holds_scikit_learn(process: subprocess.Popen[str]) -> bool:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    return any("/sklearn/" in mapped.path for each in family for mapped in each.memory_maps())


def answers(port: int, uid: str, **changed: object) -> list[float]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client:
        wait_until_ready(client)
        answer = client.post(f"/models/{uid}/infer", json=tensor(**changed)).json()
    data: list[float] = answer["outputs"][0]["data"]
    return data


def test_linear_models_are_served_without_their_framework(settings: Settings, trained: Trained) -> None:
    with running(settings) as (process, port):
        for uid, predictions in trained.predictions.items():
            assert answers(port, uid) == pytest.approx(predictions)
        assert not holds_scikit_learn(process)


def test_a_version_with_another_model_imports_the_framework_for_it(
    trained: Trained, publish: Callable[[Path], Settings], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained.folder, tmp_path / "mixed"))
    estimator = SVR().fit(np.eye(3), [0.0, 1.0, 2.0])
    skops.io.dump(estimator, folder / "vector.skops")
    with running(publish(folder)) as (process, port):
        assert answers(port, "vector") == pytest.approx(estimator.predict(ROWS).tolist())
        assert answers(port, "line-1") == pytest.approx(trained.predictions["line-1"])
        assert holds_scikit_learn(process)


def test_forests_answer_from_their_tables_and_missing_values_by_the_framework(
    publish: Callable[[Path], Settings], tmp_path: Path
) -> None:
    (tmp_path / "forests").mkdir()
    rows = np.random.default_rng(1).normal(size=(60, 3))
    forest = RandomForestRegressor(5, max_depth=3, random_state=0).fit(rows, rows[:, 0])
    skops.io.dump(forest, tmp_path / "forests" / "line-1.skops")
    missing = [[1.0, None, 0.5]]
    with running(publish(tmp_path / "forests")) as (_, port):
        assert answers(port, "line-1") == forest.predict(ROWS).tolist()
        assert answers(port, "line-1", shape=[1, 3], data=missing) == [
            forest.predict([[1.0, np.nan, 0.5]])[0]
        ]


def test_a_recorded_example_that_is_not_reproduced_keeps_the_pod_from_being_ready(
    trained: Trained, publish: Callable[[Path], Settings], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained.folder, tmp_path / "other"))
    examples = json.loads((folder / "examples.json").read_text())
    examples["line-1"]["outputs"][0] += 1
    (folder / "examples.json").write_text(json.dumps(examples))
    with running(publish(folder)) as (process, _):
        _, written = process.communicate(timeout=60)
        assert process.returncode == 3
    assert "model line-1 does not reproduce its recorded example" in written
