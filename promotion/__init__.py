"""A service is switched region by region, each watched for a while, and back where that goes wrong.

    stack_files     which stacks there are, and where each one's region runs
    live_route      `pulumi up` of a service's live route alone
    bake            the time after a switch in which errors send it back
    sight           what a look at a region shows of a service
    region          one region: its switch, its bake, its way back
    promotion       one region after the other
    rehearsal       what all that would change, by previews

YAML says what is wanted and Pulumi makes it so; nothing here changes Kubernetes itself.
"""

from __future__ import annotations

from promotion.bake import Progress
from promotion.live_route import Target, up_command
from promotion.promotion import Promotion, PromotionStopped
from promotion.region import Outcome, Stage
from promotion.rehearsal import rehearse
from promotion.stack_files import config_of, stack_names

__all__ = [
    "Outcome",
    "Progress",
    "Promotion",
    "PromotionStopped",
    "Stage",
    "Target",
    "config_of",
    "rehearse",
    "stack_names",
    "up_command",
]
