"""Promotions: switch a service region by region, watch each region, and switch back if it fails.

    applier         changes YAML and Kubernetes
    bake            the time after a switch in which errors undo it
    region          one region: its switch, its bake, its way back
    promotion       one region after the other
    rehearsal       what a promotion would change, by previews

YAML declares the state and Pulumi applies it; nothing here changes Kubernetes itself.
"""

from __future__ import annotations

from bluegrid.promotion.applier import Applier
from bluegrid.promotion.bake import Bake, BakeProgress, share_that_failed
from bluegrid.promotion.promotion import Promotion, PromotionStopped
from bluegrid.promotion.region import Outcome, Stage
from bluegrid.promotion.rehearsal import Rehearsal, rehearse

__all__ = [
    "Applier",
    "Bake",
    "BakeProgress",
    "Outcome",
    "Promotion",
    "PromotionStopped",
    "Rehearsal",
    "Stage",
    "rehearse",
    "share_that_failed",
]
