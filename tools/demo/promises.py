"""What the demo promises, each as a sentence that holds or does not. The cluster tests assert them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.demo.steps import Change
from tools.demo.story import DAMAGED, RATE, Seen
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
    seen: Callable[[Seen], str]
    holds: Callable[[Seen], bool]


def _reasons(seen: Seen) -> list[str]:
    """What the refusal of a damaged version has to name."""
    return [f"set {SET}", "version v4", DAMAGED, seen.damaged_pack[:8]]


PROMISES = (
    Promise(
        "A version is sent as a whole; of v3, which changes one model, one model is sent",
        lambda seen: ", ".join(
            f"{each.version}: {each.sent_models} of {each.models}" for each in seen.pushed
        ),
        lambda seen: (
            len(seen.changed) == 1
            and [(each.sent_models, each.models) for each in seen.pushed]
            == [(DISTINCT, DEVICES), (DISTINCT, DEVICES), (1, DEVICES), (DISTINCT, DEVICES)]
        ),
    ),
    Promise(
        "Every model answers through the Ingress as it did in training, alone and in one batch",
        lambda seen: (
            f"{seen.predicted.one_by_one} + {seen.predicted.in_one_batch} answers of "
            f"{seen.predicted.version}, largest relative difference {seen.predicted.largest_difference:.0e}"
        ),
        lambda seen: (
            seen.predicted.one_by_one == seen.predicted.in_one_batch == DEVICES
            and seen.predicted.version == "v1"
            and seen.predicted.largest_difference < 1e-9
        ),
    ),
    Promise(
        "A switch is one change of one Ingress, there and back",
        lambda seen: (
            f"{len(seen.there.changes)} + {len(seen.back.changes)} changes; "
            f"`pulumi up` {seen.there.up.seconds:.0f} s, {seen.back.up.seconds:.0f} s"
        ),
        lambda seen: seen.there.changes == seen.back.changes == SWITCH,
    ),
    Promise(
        "One update adds a cluster, switches to it and removes the old one",
        lambda seen: f"{seen.replaced.seconds:.0f} s",
        lambda seen: seen.replaced.exit_code == 0 and seen.load.by_cluster.get("d3", 0) > 0,
    ),
    Promise(
        "A damaged version ends `pulumi up` within a minute, with set, version, model and pack",
        lambda seen: f"exit code {seen.refused.exit_code} after {seen.refused.seconds:.0f} s",
        lambda seen: (
            seen.refused.exit_code != 0
            and seen.refused.seconds < 60
            and all(reason in seen.refused.output for reason in _reasons(seen))
        ),
    ),
    Promise(
        "`bluegrid verify` finds the damaged pack, and nothing once it is healed",
        lambda seen: f"exit code {seen.found.exit_code}, then {seen.sound.exit_code}",
        lambda seen: (
            seen.found.exit_code == 1 and seen.damaged_pack in seen.found.output and seen.sound.exit_code == 0
        ),
    ),
    Promise(
        "With the refused cluster still declared, a switch works",
        lambda seen: f"{seen.past.seconds:.0f} s, {seen.load.by_cluster.get('d2', 0)} answers of d2",
        lambda seen: seen.past.exit_code == 0,
    ),
    Promise(
        "Pushing again heals the damaged version",
        lambda seen: f"{seen.healed.packs_healed} pack replaced, {seen.last.version} answers",
        lambda seen: (
            seen.healed.packs_healed == 1
            and seen.last.version == "v4"
            and seen.last.largest_difference < 1e-9
        ),
    ),
    Promise(
        "No request failed, whatever was done meanwhile",
        lambda seen: (
            f"{seen.load.failed_total} of {seen.load.sent} failed at {seen.load.rate:.0f}/s, "
            f"longest gap {seen.load.longest_gap_ms:.0f} ms"
        ),
        lambda seen: (
            seen.load.failed_total == 0 and seen.load.sent >= 20_000 and seen.load.rate >= 0.95 * RATE
        ),
    ),
)
