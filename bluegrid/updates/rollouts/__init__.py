"""Rolls out published versions: starts a cluster, switches to it, or rolls back.

    stacks         Pulumi, through its Automation API, with the server's registry
    git_applier    how a promotion changes the registry and the stacks
    context        the set, the version and the stacks of a rollout
    progress       the status of a rollout, noted with each step; cancellation
    standby        a new cluster beside the live one; if the set wants that, compared, switched to and watched
    comparison     answers of the new cluster against those of the live one
    quality        a metric of the new version's models against the live version's
    in_place       new pods for the live cluster
    first_service  a service for a set that has none
    rollouts       chooses the strategy of a set

Every step can be repeated by the server that resumes after a crash. However a rollout ends, YAML declares
what runs, as soon as git accepts a commit; a rollback does not wait for git.
"""

from __future__ import annotations

from bluegrid.updates.rollouts.failures import HeldBack, NotBack, RolloutFailed, is_passing
from bluegrid.updates.rollouts.rollouts import Rollouts
from bluegrid.updates.rollouts.stacks import Stacks

__all__ = ["HeldBack", "NotBack", "RolloutFailed", "Rollouts", "Stacks", "is_passing"]
