"""A service is switched region by region, each watched for a while, and back where that goes wrong.

    stack_files     which stacks there are, and where each one's region runs
    live_route      `pulumi up` of a service's live route alone
    bake            the time after a switch in which errors send it back
    region          one region: its switch, its bake, its way back
    promotion       one region after the other
    rehearsal       what all that would change, by previews

YAML says what is wanted and Pulumi makes it so; nothing here changes Kubernetes itself.
"""

from __future__ import annotations

from promotion.bake import BakeFailed, Progress
from promotion.live_route import UpFailed, up_command
from promotion.promotion import Promotion, PromotionStopped
from promotion.region import Outcome, Region, Stage
from promotion.rehearsal import rehearse
from promotion.stack_files import Stack, config_of, find_stack, stack_names

__all__ = [
    "BakeFailed",
    "Outcome",
    "Progress",
    "Promotion",
    "PromotionStopped",
    "Region",
    "Stack",
    "Stage",
    "UpFailed",
    "config_of",
    "find_stack",
    "rehearse",
    "stack_names",
    "up_command",
]
