"""What a run says of its model becomes a lineage that a manifest holds, whatever the run says."""

from __future__ import annotations

from typing import Any

from bluegrid.mlflow.lineage import lineage_of
from bluegrid.mlflow.plan import plan_import
from bluegrid.mlflow.sources import ModelOrigin, Origins
from bluegrid_registry import Lineage, Manifest


def run(metrics: dict[str, Any], tags: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "info": {"run_id": "4f7c"},
        "data": {
            "metrics": [{"key": key, "value": value} for key, value in metrics.items()],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
        **more,
    }


def test_a_run_says_who_trained_its_model_from_what_and_how_good_it_is() -> None:
    tags = {
        "mlflow.user": "ada",
        "mlflow.source.git.commit": "9f2c",
        "mlflow.runName": "x",
        "season": "winter",
    }
    inputs = {"dataset_inputs": [{"dataset": {"name": "scada", "digest": "ab12"}}]}
    # Protobuf's JSON has numbers that are not finite as text.
    found = run({"mae": 0.5, "n": 3, "mape": "NaN", "r2": "-Infinity"}, tags, inputs=inputs)
    assert lineage_of(ModelOrigin("line-17", "4f7c", found), ["numpy==2.3", ""]) == Lineage(
        author="ada",
        commit="9f2c",
        data="scada ab12",
        metrics={"mae": 0.5, "n": 3.0},
        requirements=("numpy==2.3",),
        run="4f7c",
        tags={"season": "winter"},
    )


def test_what_is_too_long_is_cut_and_what_is_too_much_is_left_out() -> None:
    tags = {
        "mlflow.note.content": "x" * 5000,
        "note": "first\nsecond",
        **{f"tag-{n}": "x" * 500 for n in range(30)},
    }
    large = run({f"metric-{number:02}": number for number in range(30)}, tags)
    version = {"version": 7}
    found = lineage_of(ModelOrigin("line-17", "4f7c", large, version), ["a" * 300] * 50)
    assert found.to_store("line-17") is not None
    assert found.run == "4f7c"
    assert found.metrics is not None
    assert [*found.metrics] == [f"metric-{number:02}" for number in range(16)]
    # What the next import compares is always kept.
    assert found.tags == {"mlflow.version": "7"}


def test_control_characters_become_blanks() -> None:
    found = lineage_of(ModelOrigin("line-17", "4f7c", run({}, {"note": "first\nsecond\u2028third"})))
    assert found.tags == {"note": "first second third"}


def test_a_registered_model_of_no_run_is_named_by_its_version() -> None:
    origin = ModelOrigin("line-17", "", {}, {"version": 7})
    assert lineage_of(origin) == Lineage(
        run="models:/line-17/7", metrics={}, tags={"mlflow.version": "7"}, requirements=()
    )


def manifest(**lineages: Lineage | None) -> Manifest:
    rows = [
        {"uid": uid, "pack": "a" * 64, "offset": 100, "length": 10, "raw_length": 20, "sha256": "b" * 64}
        | ({} if lineage is None else {"lineage": lineage.to_dict()})
        for uid, lineage in sorted(lineages.items())
    ]
    return Manifest.model_validate(
        {
            "format": "bluegrid-manifest/3",
            "set": "g1",
            "version": "v1",
            "type": "scikit-learn/skops",
            "packs": [{"name": "a" * 64, "size": 1000}],
            "models": rows,
        }
    )


def test_an_import_changes_what_comes_from_another_run_and_keeps_the_rest() -> None:
    origins = {
        uid: ModelOrigin(uid, run_id, {}, version)
        for uid, run_id, version in (
            ("added", "1", None),
            ("changed", "2", None),
            ("of no run", "3", None),
            ("same", "4", None),
            ("same run", "5", {"version": 2}),
        )
    }
    base = manifest(
        **{
            "changed": Lineage(run="1"),
            "of no run": None,
            "other": Lineage(run="9"),
            "same": Lineage(run="4"),
            "same run": Lineage(run="5", tags={"mlflow.version": "1"}),
        }
    )
    plan = plan_import(Origins(origins, ["late"]), base)
    assert [each.uid for each in plan.added] == ["added"]
    assert [each.uid for each in plan.changed] == ["changed", "of no run", "same run"]
    assert [each.uid for each in plan.wanted] == ["added", "changed", "of no run", "same run"]
    assert (plan.unchanged, plan.without, plan.others) == (1, ["late"], ["other"])


def test_all_models_are_new_in_a_set_without_versions() -> None:
    plan = plan_import(Origins({"a": ModelOrigin("a", "1", {})}, ()), None)
    assert ([each.uid for each in plan.added], plan.unchanged, plan.others) == (["a"], 0, [])
