"""How much worse the models of a new version may be than those of the live one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.rollouts.quality import shortfall
from bluegrid_registry import Lineage, Manifest, ModelRow
from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_registry.registry_files.update_policy import QualityLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def version(name: str, maes: Mapping[str, float | None], metric: str = "mae") -> Manifest:
    """Return a version whose models have this metric; None: they were trained, and nothing was measured."""
    rows = [
        ModelRow(
            length=1,
            lineage=Lineage(run=name, metrics=None if value is None else {metric: value}),
            offset=0,
            pack="0" * 64,
            raw_length=1,
            sha256="0" * 64,
            uid=uid,
        )
        for uid, value in maes.items()
    ]
    return of_rows(name, rows)


def of_rows(name: str, rows: Sequence[ModelRow]) -> Manifest:
    type_ = ModelType.parse("scikit-learn/skops")
    return Manifest.model_construct(set="g1", type=type_, version=name, models=tuple(rows), packs=())


def limit(**changed: object) -> QualityLimit:
    return QualityLimit.model_validate({"metric": "mae", "better": "lower", "worsen": 0.1} | changed)


def test_more_models_that_worsen_than_allowed_are_counted_and_the_worst_is_named() -> None:
    live = version("v4", {f"line-{number}": 0.04 for number in range(40)})
    new = version("v5", {f"line-{number}": 0.03 for number in range(40)} | {"line-7": 0.06, "line-8": 0.05})
    assert shortfall(limit(), live, new) is None
    assert shortfall(limit(share=0.025), live, new) == (
        "mae is worse than in v4 by more than 10 % in 2 of 40 models trained again (1 may be), most in "
        "line-7: 0.04 -> 0.06"
    )


def test_the_worst_is_the_one_that_worsened_most_for_its_size() -> None:
    live, new = version("v4", {"small": 1.0, "large": 1000.0}), version("v5", {"small": 3.0, "large": 1500.0})
    assert "2 of 2 models trained again (0 may be), most in small: 1 -> 3" in str(
        shortfall(limit(), live, new)
    )


@pytest.mark.parametrize(
    ("better", "old", "new", "is_allowed"),
    [
        ("lower", 0.04, 0.044, True),
        ("lower", 0.04, 0.0441, False),
        ("lower", 0.04, 0.0, True),
        ("lower", -1.0, -0.89, False),
        ("higher", 0.9, 0.81, True),
        ("higher", 0.9, 0.8, False),
        ("higher", 0.9, 0.99, True),
        ("higher", -2.0, -2.1, True),
        ("higher", -2.0, -2.3, False),
        ("lower", 0.0, 0.0, True),
        ("lower", 0.0, 1e-9, False),
        ("higher", 0.0, -1e-9, False),
    ],
)
def test_the_fraction_is_of_the_size_of_the_live_value_in_the_direction_that_is_worse(
    better: str, old: float, new: float, is_allowed: bool
) -> None:
    found = shortfall(limit(better=better), version("v4", {"line-1": old}), version("v5", {"line-1": new}))
    assert (found is None) is is_allowed


def test_near_zero_the_metrics_own_unit_counts() -> None:
    live, new = version("v4", {"line-1": 0.01}, "r2"), version("v5", {"line-1": -0.02}, "r2")
    r2 = {"metric": "r2", "better": "higher"}
    assert shortfall(limit(**r2, atol=0.05), live, new) is None
    assert "worse than in v4 by more than 10 % + 0.02 in 1 of 1" in str(
        shortfall(limit(**r2, atol=0.02), live, new)
    )
    assert "worse than in v4 by more than 0.02 in 1" in str(
        shortfall(limit(**r2, worsen=0.0, atol=0.02), live, new)
    )


def test_a_model_that_is_updated_alone_is_not_lost_among_those_that_stay() -> None:
    live = version("v4", {f"line-{number}": 0.04 for number in range(1000)})
    new = of_rows("v5", [*version("v5", {"line-0": 0.09}).models, *live.models[1:]])
    assert "1 of 1 model trained again (0 may be), most in line-0: 0.04 -> 0.09" in str(
        shortfall(limit(), live, new)
    )


def test_a_metric_that_is_gone_is_worse_and_stands_after_those_that_are_known() -> None:
    live = version("v4", {"a": 0.04, "b": 0.04, "c": 0.04})
    found = shortfall(limit(), live, version("v5", {"a": None, "b": 0.05, "c": 0.04}))
    assert found == (
        "mae is worse than in v4 by more than 10 % or missing in 2 of 3 models trained again (0 may be), "
        "most in b: 0.04 -> 0.05"
    )
    found = shortfall(limit(), live, version("v5", {"a": None, "b": 0.04, "c": 0.04}))
    assert "most in a: 0.04 -> none" in str(found)


def test_new_models_and_those_that_were_never_measured_are_not_counted() -> None:
    live = version("v4", {"a": 0.04, "flat": None})
    assert shortfall(limit(), live, version("v5", {"a": 0.04, "flat": None, "new": 7.0})) is None
    assert shortfall(limit(), live, version("v5", {"a": 0.04, "flat": 7.0})) is None


def test_a_version_without_the_metric_names_those_that_it_has() -> None:
    live = version("v4", {"a": 0.04}, "MAE")
    assert shortfall(limit(), live, version("v5", {"a": 0.04}, "MAE")) == (
        "no model of v5 has the metric mae, recorded are MAE; write it into lineage.json, or correct "
        "`quality` in the set's rollout"
    )
    assert "the metric mae, it has no metrics; write" in str(
        shortfall(limit(), live, version("v5", {"a": None}))
    )


def test_the_first_version_with_the_metric_is_not_held_back() -> None:
    assert shortfall(limit(), version("v4", {"a": None}), version("v5", {"a": 0.04})) is None


def test_a_version_in_which_nothing_was_trained_needs_no_metric() -> None:
    live = version("v4", {"a": None, "b": None})
    assert shortfall(limit(), live, of_rows("v5", live.models[:1])) is None
