"""Errors of rollouts.

RolloutFailed           the version is not online; what was live before is live
└── NotBack             the version is still live somewhere, or may be
GitAway
└── NotGone             what was live before is live; the cluster of the version is still declared
"""

from __future__ import annotations

from bluegrid.updates.registry_source.git import GitAway
from bluegrid_registry import BluegridError


class RolloutFailed(BluegridError):  # noqa: N818 - what happened
    """The version did not go online; what was live before is live."""


class NotBack(RolloutFailed):
    """The version is still live somewhere, or may be; the rollback must be tried again."""


class NotGone(GitAway):
    """What was live before is live; git does not answer, so the cluster of the version is still declared."""
