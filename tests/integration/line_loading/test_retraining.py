"""The example's trainer, run as the update server runs it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import skops.io

from bluegrid.updates.jobs.update import Update, UpdateRequest, UpdateState
from bluegrid.updates.publishing.training import Training, TrainingFailed
from bluegrid_registry import DeclaredSet, RegistryFile, Version

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry.registry_files.update_policy import Value

SET = DeclaredSet.model_validate(
    {
        "id": "g1",
        "name": "Line loading",
        "task": "regression",
        "type": "scikit-learn/skops",
        "source": "platform",
        "update": {
            "trainer": {
                "command": [sys.executable, "-m", "bluegrid.tour.line_loading.retrain"],
                "parameters": {
                    "season": {"type": "string", "default": "winter"},
                    "flows": {"type": "integer", "default": 20},
                    "seed": {"type": "integer", "default": 1},
                    "uid": {"type": "string", "default": ""},
                },
            }
        },
    }
)
BASE = Version(id="v1", manifest=f"sha256:{'0' * 64}", updated=datetime.now(UTC))
"""Of a version that this trainer does not read."""


def update(number: int, **parameters: Value) -> Update:
    return Update(
        id=number,
        set="g1",
        wanted=UpdateRequest(base="v1", train=parameters),
        author="training",
        state=UpdateState.RUNNING,
        version=None,
        created=datetime.now(UTC),
        ended=None,
        cancel=False,
        progress=None,
        result=None,
        rollout=None,
        error=None,
        tries=0,
        next_try=None,
    )


def trained(folder: Path, wanted: Update) -> dict[str, bytes]:
    training = Training(folder)
    training.run(wanted, RegistryFile(set=SET, versions=(BASE,)), lambda: None)
    return {path.stem: path.read_bytes() for path in training.trained(wanted).glob("*.skops")}


def test_one_model_is_trained_anew_with_other_parameters(tmp_path: Path) -> None:
    first = trained(tmp_path, update(1, uid="line-17"))
    other = trained(tmp_path, update(2, uid="line-17", season="summer", seed=2))
    assert first.keys() == other.keys() == {"line-17"}
    assert first != other
    file = tmp_path / "1" / "line-17.skops"
    assert skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file)).alpha_ > 0


def test_a_branch_that_is_not_there_fails_with_the_trainers_own_words(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="no branch line-999; expected one such as line-0"):
        trained(tmp_path, update(1, uid="line-999"))
