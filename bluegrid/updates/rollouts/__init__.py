"""What follows once a version is published: a cluster that serves it, a switch to it, or the way back.

    stacks         Pulumi, through its Automation API, with the registry as the server has it
    git_applier    commits and stacks, as a promotion changes things
    context        what all rollouts have: the set, the version, the stacks
    progress       the status of a rollout, noted with each step; cancellation
    standby        a new cluster beside the live one; if the set wants that, compared, switched to and watched
    comparison     answers of the new cluster against those of the live one
    in_place       new pods for the live cluster
    first_service  a service for a set that has none
    rollouts       which of these a set wants

Every step can be repeated by the server that goes on after a crash. However a rollout ends, YAML says what
runs, as soon as git takes a commit: rolling back does not wait for that.
"""

from __future__ import annotations

from bluegrid.updates.rollouts.failures import NotBack, RolloutFailed
from bluegrid.updates.rollouts.rollouts import Rollouts
from bluegrid.updates.rollouts.stacks import Stacks

__all__ = ["NotBack", "RolloutFailed", "Rollouts", "Stacks"]
