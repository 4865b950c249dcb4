"""The plan of a run: how many targets, which pipelines, how often."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        targets: names under which models are published.
        few: the same in further places, where MLflow takes long: its folder, and its server as by default.
        trained: different pipelines that are trained, by kind; each has many names.
        rounds: samples of both sides, in turn.
        forecasts: of each kind of pipeline, whose time is measured; and in the request to a pod.
    """

    targets: int
    few: int
    trained: dict[str, int]
    rounds: int
    forecasts: int


def changed_of(targets: int) -> int:
    """Return how many of so many models a night changes: one in ten."""
    return max(1, targets // 10)


PLOTS, NO_PLOTS, NO_FILES = "with plots", "without plots", "without data and plots"
"""What is made for each fit beside its model: by OpenSTEF's callback, by default and with its plots off, and
after `leave_out_artifacts`, which bluegrid alone has."""
OF_BOTH = (PLOTS, NO_PLOTS)

KIND = "gblinear"
"""OpenSTEF's default, which both storages are measured with."""
FULL = Plan(targets=1_000, few=100, trained={KIND: 32, "xgboost": 8, "lgbm": 8}, rounds=3, forecasts=20)


def small(targets: int) -> Plan:
    """Return the plan of a run that shows whether everything works."""
    return replace(
        FULL,
        targets=targets,
        few=min(targets, FULL.few),
        trained={kind: min(targets, 2) for kind in FULL.trained},
        rounds=1,
        forecasts=2,
    )
