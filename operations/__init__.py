"""What runs, asked of Kubernetes and of the pods, for the operator on duty.

    api         the API server, and pods through its proxy
    pods, metrics ─> looks ─> status        one moment, and what it means
                              drift         where YAML says otherwise
    history     what was declared before, from git

Only reads: what is to change is written in YAML (`model_registry`) and made so by Pulumi.
"""

from __future__ import annotations

from operations.api import KubernetesError, Namespace
from operations.history import Change, Commit, LiveBefore, changes, live_before
from operations.looks import Look, look
from operations.pods import PodStatus
from operations.status import ClusterStatus, statuses

__all__ = [
    "Change",
    "ClusterStatus",
    "Commit",
    "KubernetesError",
    "LiveBefore",
    "Look",
    "Namespace",
    "PodStatus",
    "changes",
    "live_before",
    "look",
    "statuses",
]
