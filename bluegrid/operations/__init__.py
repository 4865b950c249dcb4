"""Reads the state of services from Kubernetes and the pods, for the operator on duty.

    api         the API server, and pods through its proxy
    pods, metrics ─> snapshot ─> status     one moment, faults, and drift from YAML
    waiting     until clusters are ready, live or gone
    routes      the live route, of either kind
    predictions ─> comparison               answers of one cluster; two clusters side by side
    service_url answers of a service by its URL, without Kubernetes
    logs        of a service's pods
    missing     the error if nothing of a service runs
    registry_commits ─> history             what was declared before, read from git
    doctor      checks of what all commands need
    pod_store   whether the store answers pods, by the account that they have

Only reads: changes are written to YAML (`bluegrid_registry`) and applied by Pulumi.
"""

from __future__ import annotations

from bluegrid.operations.api import KubernetesError, Namespace
from bluegrid.operations.diagnosis import Diagnosis
from bluegrid.operations.doctor import check_kubernetes, check_programs, check_store
from bluegrid.operations.history import (
    Change,
    EarlierLive,
    LiveBefore,
    changes_of,
    live_at,
    live_before,
    lives_before,
)
from bluegrid.operations.logs import followed, logs
from bluegrid.operations.missing import nothing_runs
from bluegrid.operations.pod_store import check_store_of_pods
from bluegrid.operations.pods import PodStatus
from bluegrid.operations.prediction_comparison import AnswerComparison, compare
from bluegrid.operations.prediction_requests import PredictionRequest, read_requests
from bluegrid.operations.predictions import ClusterClient, Prediction
from bluegrid.operations.registry_commits import RegistryCommit
from bluegrid.operations.routes import ask_live_clusters
from bluegrid.operations.service_url import ServiceUrl
from bluegrid.operations.snapshot import Snapshot, take_snapshot
from bluegrid.operations.status import ClusterStatus, online, outages, statuses, unanswered
from bluegrid.operations.waiting import Wait, WaitGoal, wait_until

__all__ = [
    "AnswerComparison",
    "Change",
    "ClusterClient",
    "ClusterStatus",
    "Diagnosis",
    "EarlierLive",
    "KubernetesError",
    "LiveBefore",
    "Namespace",
    "PodStatus",
    "Prediction",
    "PredictionRequest",
    "RegistryCommit",
    "ServiceUrl",
    "Snapshot",
    "Wait",
    "WaitGoal",
    "ask_live_clusters",
    "changes_of",
    "check_kubernetes",
    "check_programs",
    "check_store",
    "check_store_of_pods",
    "compare",
    "followed",
    "live_at",
    "live_before",
    "lives_before",
    "logs",
    "nothing_runs",
    "online",
    "outages",
    "read_requests",
    "statuses",
    "take_snapshot",
    "unanswered",
    "wait_until",
]
