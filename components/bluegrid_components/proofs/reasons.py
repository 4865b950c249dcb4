"""Logs why Kubernetes does not start an object, if the status of its pods does not show it.

Pulumi reports the status of pods. A pod that fits on no node, or exceeds a quota, has no such status: only
Kubernetes events have the reason.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from pathlib import Path

_HOOK = "bluegrid-reasons"
_SECONDS = 10
"""Timeout of the request for events, in seconds."""
_NOT_IN_STATUS = {"FailedCreate", "FailedScheduling", "FailedMount", "FailedCreatePodSandBox"}
"""Reasons of events that are not in the status of any pod."""
_NO_IMAGE = "Failed to pull image"
"""Start of the message of an event that the status of a pod also reports, at length and without a remedy."""


class Reasons:
    """Logs, for a whole stack, the events of Kubernetes about a Job or a Deployment that failed.

    Args:
        context: the kube context that the stack deploys to.
        kubeconfig: its file; None: where kubectl looks.
    """

    def __init__(self, context: str, kubeconfig: Path | None) -> None:
        self._context, self._kubeconfig = context, kubeconfig
        self._since = datetime.now(UTC)
        # One hook for all resources: the state of a cluster that is no longer declared also names it.
        self.hook = pulumi.ErrorHook(_HOOK, self._log_reasons)

    async def _log_reasons(self, args: pulumi.ErrorHookArgs) -> bool:
        # An object whose deletion fails has no new inputs.
        metadata = (args.new_inputs or args.old_inputs or {})["metadata"]
        for reason in await asyncio.to_thread(self._warnings, metadata["namespace"], metadata["name"]):
            pulumi.log.error(reason)
        return False

    def _warnings(self, namespace: str, name: str) -> list[str]:
        """Return the warnings since this program began about an object and the pods that it makes."""
        # Imported here, because it takes seconds to load and is only needed after a failure.
        from kubernetes import client, config
        from kubernetes.client.exceptions import ApiException
        from kubernetes.config.config_exception import ConfigException
        from urllib3.exceptions import HTTPError

        try:
            api = config.new_client_from_config(  # type: ignore[no-untyped-call]
                config_file=self._kubeconfig and str(self._kubeconfig), context=self._context
            )
            events: list[Any] = (
                client.CoreV1Api(api)
                .list_namespaced_event(namespace, field_selector="type=Warning", _request_timeout=_SECONDS)
                .items
            )
        except (ConfigException, HTTPError, ApiException):
            # Without permission to read events, only Pulumi's own report is shown.
            return []
        # Names of pods start with that of their ReplicaSet, which starts with that of the Deployment.
        own_names = re.compile(rf"{re.escape(name)}(-[a-z0-9]+){{0,2}}")
        messages = {
            # Kubernetes repeats events: keep the last message of each.
            f"{event.involved_object.kind} {event.involved_object.name}: {event.reason}": event.message
            for event in events
            if (event.reason in _NOT_IN_STATUS or (event.message or "").startswith(_NO_IMAGE))
            and own_names.fullmatch(event.involved_object.name)
            and self._is_new(event)
        }
        return [f"{event}: {message}{_remedy(message)}" for event, message in messages.items()]

    def _is_new(self, event: Any) -> bool:
        time = event.last_timestamp or event.event_time or event.metadata.creation_timestamp
        return time is not None and time >= self._since.replace(microsecond=0)


def _remedy(message: str) -> str:
    is_pull = message.startswith(_NO_IMAGE)
    return (
        "; correct bluegrid:image or bluegrid:images, or the nodes' access to its registry" if is_pull else ""
    )
