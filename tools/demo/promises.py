"""The promises of the demo, each a sentence that holds or does not. The cluster tests assert all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.demo.scenario import DAMAGED, RATE, Results
from tools.demo.steps import Change
from tools.demo.workspace import SERVICE, SET

if TYPE_CHECKING:
    from collections.abc import Callable

DEVICES = 186
DISTINCT = 184
"""Two pairs of parallel lines carry the same load: their models are the same bytes, and are sent once."""

SWITCH = (
    Change(
        "update",
        "kubernetes:networking.k8s.io/v1:Ingress",
        SERVICE,
        ("spec.rules[0].http.paths[0].backend.service.name",),
    ),
)


@dataclass(frozen=True)
class Promise:
    """One sentence that either holds or does not."""

    sentence: str
    evidence: Callable[[Results], str]
    holds: Callable[[Results], bool]


def _reasons(results: Results) -> list[str]:
    """Return the words that the refusal of a damaged version must contain."""
    return [f"set {SET}", "version v4", DAMAGED, results.damaged_pack[:8]]


PROMISES = (
    Promise(
        "A version is sent as a whole; of v3, which changes one model, one model is sent",
        lambda results: ", ".join(
            f"{each.version}: {each.sent_models} of {each.models}" for each in results.pushed
        ),
        lambda results: (
            len(results.changed) == 1
            and [(each.sent_models, each.models) for each in results.pushed]
            == [(DISTINCT, DEVICES), (DISTINCT, DEVICES), (1, DEVICES), (DISTINCT, DEVICES)]
        ),
    ),
    Promise(
        "Every model answers through the Ingress as it did in training, alone and in one batch",
        lambda results: (
            f"{results.predicted.one_by_one} + {results.predicted.in_one_batch} answers of "
            f"{results.predicted.version}, "
            f"largest relative difference {results.predicted.largest_difference:.0e}"
        ),
        lambda results: (
            results.predicted.one_by_one == results.predicted.in_one_batch == DEVICES
            and results.predicted.version == "v1"
            and results.predicted.largest_difference < 1e-9
        ),
    ),
    Promise(
        "A switch is one change of one Ingress, there and back",
        lambda results: (
            f"{len(results.switched.changes)} + {len(results.switched_back.changes)} changes; "
            f"`pulumi up` {results.switched.up.seconds:.0f} s, {results.switched_back.up.seconds:.0f} s"
        ),
        lambda results: results.switched.changes == results.switched_back.changes == SWITCH,
    ),
    Promise(
        "One update adds a cluster, switches to it and removes the old one",
        lambda results: f"{results.replaced.seconds:.0f} s",
        lambda results: results.replaced.exit_code == 0 and results.load.by_cluster.get("d3", 0) > 0,
    ),
    Promise(
        "A damaged version ends `pulumi up` within a minute, with set, version, model and pack",
        lambda results: f"exit code {results.refused.exit_code} after {results.refused.seconds:.0f} s",
        lambda results: (
            results.refused.exit_code != 0
            and results.refused.seconds < 60
            and all(reason in results.refused.output for reason in _reasons(results))
        ),
    ),
    Promise(
        "`bluegrid verify` finds the damaged pack, and nothing once it is healed",
        lambda results: f"exit code {results.found.exit_code}, then {results.sound.exit_code}",
        lambda results: (
            results.found.exit_code == 1
            and results.damaged_pack in results.found.output
            and results.sound.exit_code == 0
        ),
    ),
    Promise(
        "With the refused cluster still declared, a switch works",
        lambda results: f"{results.past.seconds:.0f} s, {results.load.by_cluster.get('d2', 0)} answers of d2",
        lambda results: results.past.exit_code == 0,
    ),
    Promise(
        "Pushing again heals the damaged version",
        lambda results: f"{results.healed.packs_healed} pack replaced, {results.last.version} answers",
        lambda results: (
            results.healed.packs_healed == 1
            and results.last.version == "v4"
            and results.last.largest_difference < 1e-9
        ),
    ),
    Promise(
        "No request failed, whatever was done meanwhile",
        lambda results: (
            f"{results.load.failed_total} of {results.load.sent} failed at {results.load.rate:.0f}/s, "
            f"longest gap {results.load.longest_gap_ms:.0f} ms"
        ),
        lambda results: (
            results.load.failed_total == 0
            and results.load.sent >= 20_000
            and results.load.rate >= 0.95 * RATE
        ),
    ),
)
