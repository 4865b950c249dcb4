"""Errors of rollouts.

HeldBack                the version is on standby instead of live; what was live before is live
RolloutFailed           the version is not online; what was live before is live
└── NotBack             the version is still live somewhere, or may be
GitAway
└── NotGone             what was live before is live; the cluster of the version is still declared
"""

from __future__ import annotations

from bluegrid.updates.registry_source.git import GitAway
from bluegrid_registry import BluegridError, ObjectExists, ObjectMissing, StoreError


class HeldBack(BluegridError):  # noqa: N818 - what happened
    """The version stays on standby, since its quality is lower than the set allows."""


class RolloutFailed(BluegridError):  # noqa: N818 - what happened
    """The version did not go online; what was live before is live."""


class NotBack(RolloutFailed):
    """The version is still live somewhere, or may be; the rollback must be tried again."""


class NotGone(GitAway):
    """What was live before is live; git does not answer, so the cluster of the version is still declared."""


def is_passing(error: BluegridError) -> bool:
    """Whether a later try may succeed: git or the store does not answer, or refuses the login."""
    is_answer = isinstance(error, ObjectMissing | ObjectExists)
    return isinstance(error, GitAway) or (isinstance(error, StoreError) and not is_answer)
