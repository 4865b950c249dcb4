"""What follows once a version is there: clusters that serve it, a switch, or the way back.

    declaring   edits of the registry, each a commit that is pushed
    stacks      Pulumi, through its Automation API, with the registry as the server has it
    git_applier both of these, as a promotion wants them
    steps       what a rollout is made of: start a cluster, compare it, go live, in place
    new_service the same of a set that is not online yet
    rollouts    which of them a set wants

Every step may be done again, by whoever goes on after a crash. Whatever ends a rollout, YAML says what runs,
as soon as git takes a commit: the way back does not wait for one.
"""

from __future__ import annotations

from bluegrid.updates.rollouts.rollouts import Rollouts
from bluegrid.updates.rollouts.stacks import Stacks
from bluegrid.updates.rollouts.steps import NotBack, RolloutFailed

__all__ = ["NotBack", "RolloutFailed", "Rollouts", "Stacks"]
