"""Before a switch, the new cluster answers every recorded example of the live one, by every output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from bluegrid.project import Stack
from bluegrid.updates.rollouts.answer_comparison import require_alike
from bluegrid.updates.rollouts.context import RolloutContext
from bluegrid.updates.rollouts.failures import RolloutFailed
from bluegrid_registry import Example, ModelSet, RecordedExample, Registry
from bluegrid_registry.registry_files.update_policy import RolloutPolicy
from tests.support.api_server import ApiServer
from tests.support.kubernetes_objects import objects
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid.updates.rollouts.progress import RolloutProgress
    from bluegrid_registry import AnyExample

    Pod = Callable[[str], tuple[int, str]]

REGISTRY = """\
set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}
versions: []  # by push
"""
SERVICE = """\
service:
  name: service0
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
    - {id: d2, version: v2, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
"""
WORDS = RecordedExample.model_validate(
    {
        "request": {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1.0, 2.0]}]},
        "response": {
            "outputs": [
                {"name": "y", "shape": [2], "datatype": "FP64", "data": [10.0, 20.0]},
                {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]},
            ]
        },
    }
)


class Wanted:
    """The progress of a rollout that nobody has cancelled."""

    def require_wanted(self) -> None:
        pass


def compared(folder: Path, pod: Pod, within: dict[str, float] | None = None) -> list[str]:
    """Compare clusters d1 and d2, whose pods answer with `pod`; return the requested paths."""
    for name in ("registry", "store"):
        (folder / name).mkdir()
    file = folder / "registry" / "g1.yaml"
    file.write_text(REGISTRY)
    models = ModelSet.open("g1", folder / "registry", (folder / "store").as_uri())
    examples: dict[str, list[AnyExample]] = {
        "line-1": [WORDS, Example(inputs=((1.0,),), outputs=(10.0,))],
        "line-2": [WORDS],
    }
    models.push("v1", {uid: skops_file(uid) for uid in ("line-1", "line-2", "line-3")}, examples=examples)
    models.push("v2", {uid: skops_file(f"{uid} again") for uid in ("line-1", "line-2", "line-3")})
    file.write_text(file.read_text() + SERVICE)
    declared = Registry.load(folder / "registry")
    policy = RolloutPolicy.model_validate({"to": "live", "within": within})
    with ApiServer(objects(1), pod) as api:
        stack = Stack("north", folder, "north", "there", "bluegrid", api.kubeconfig(folder))
        context = RolloutContext(
            declared.of_set("g1"),
            declared.service("service0"),
            "v2",
            policy,
            cast("Any", None),
            [stack],
            cast("RolloutProgress", Wanted()),
        )
        require_alike(context, models.store, "d2")
        return api.calls


def answer(y: list[float], label: list[str]) -> tuple[int, str]:
    """Return an answer that holds for both forms of a request."""
    outputs = [
        {"name": "y", "shape": [len(y)], "data": y},
        {"name": "label", "shape": [len(label)], "data": label},
    ]
    return 200, json.dumps({"responses": [{"outputs": outputs}], "predictions": y})


def test_every_recorded_example_is_sent_to_both_clusters(tmp_path: Path) -> None:
    calls = compared(tmp_path, lambda _: answer([10.0, 20.0], ["a", "b"]), {"rtol": 0.01})
    sent = [path.rpartition("/")[2] for path in calls if "/proxy/" in path]
    assert sorted(sent) == ["models:batchInfer"] * 4 + ["predict"] * 2


def second(y: list[float], label: list[str]) -> Pod:
    """Return pods of which those of d2 answer otherwise."""
    return lambda pod: answer([10.0, 20.0], ["a", "b"]) if "-d1-" in pod else answer(y, label)


def test_a_label_counts_where_the_set_has_limits(tmp_path: Path) -> None:
    with pytest.raises(
        RolloutFailed, match="2 of 2 models are further off d1 than allowed, such as line-1: "
    ):
        compared(tmp_path, second([10.0, 20.0], ["a", "c"]), {"rtol": 0.01})


def test_without_limits_half_of_the_labels_may_move(tmp_path: Path) -> None:
    compared(tmp_path, second([12.0, 21.0], ["a", "c"]))


def test_without_limits_other_labels_all_over_are_no_answer(tmp_path: Path) -> None:
    with pytest.raises(RolloutFailed, match="2 of 2 models are further off d1 than allowed"):
        compared(tmp_path, second([10.0, 20.0], ["c", "c"]))


def test_a_number_of_any_output_counts(tmp_path: Path) -> None:
    with pytest.raises(RolloutFailed, match="2 of 2 models are further off d1 than allowed"):
        compared(tmp_path, second([10.0, 20.5], ["a", "b"]), {"rtol": 0.01})


def test_a_cluster_that_gives_no_answer_is_refused(tmp_path: Path) -> None:
    refusal = json.dumps({"responses": [{"error": "no model"}], "predictions": [10.0, 20.0]})
    with pytest.raises(RolloutFailed, match=r"d2 gives no prediction for 2 of 2 models: .*no model"):
        compared(tmp_path, lambda pod: answer([10.0, 20.0], ["a", "b"]) if "-d1-" in pod else (200, refusal))
