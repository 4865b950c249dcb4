"""A service is switched region by region, each watched for a while, and back where that goes wrong.

    applier         what changes YAML and Kubernetes
    bake            the time after a switch in which errors send it back
    region          one region: its switch, its bake, its way back
    promotion       one region after the other
    rehearsal       what all that would change, by previews

YAML says what is wanted and Pulumi makes it so; nothing here changes Kubernetes itself.
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
