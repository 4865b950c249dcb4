"""Settings of all pods of a stack: node placement, user, labels and annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

from bluegrid_components.pods.metadata_types import Annotations, Labels, NodeLabels, Text  # noqa: TC001 - pydantic reads these

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_kubernetes.core import v1 as core

USER = 65532
"""Default user ID and group ID of pods: the user of the image."""

NAMESPACE = "namespace"
"""Value of runAsUser with which the namespace assigns the user, as on OpenShift."""

_NO_ISTIO = {"sidecar.istio.io/inject": "false"}
"""Label: https://istio.io/latest/docs/reference/config/labels/#SidecarInject"""
_NO_LINKERD = {"linkerd.io/inject": "disabled"}
"""Annotation: https://linkerd.io/2/features/proxy-injection/"""

_ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]


def _user(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if value is None or value == NAMESPACE or is_number:
        return value
    raise ValueError(f"{value!r} is neither a number above 0 nor {NAMESPACE}")


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=True
    )


class Toleration(_Settings):
    """A toleration of the pods, with the fields of Kubernetes.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Text | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: StrictInt | None = None


class PodSettings(_Settings):
    """Settings of all pods of a stack, including the pods of preflight Jobs.

    Attributes:
        node_selector: labels of the nodes that pods run on.
        tolerations: taints of nodes that pods tolerate.
        priority_class_name: the PriorityClass of the pods.
        image_pull_secrets: names of Secrets in the stack's namespace, with the credentials to pull the image.
        labels: labels of the pods, in addition to the program's own.
        annotations: annotations of the pods.
        run_as_user: user ID and group ID of the pods; `namespace`: left to the namespace, as OpenShift's
            restricted-v2 requires; None: `USER`.
    """

    node_selector: NodeLabels = {}
    tolerations: tuple[Toleration, ...] = ()
    priority_class_name: _ObjectName | None = None
    image_pull_secrets: tuple[_ObjectName, ...] = ()
    labels: Labels = {}
    annotations: Annotations = {}
    run_as_user: Annotated[int | Literal["namespace"] | None, BeforeValidator(_user)] = None

    def placement(self) -> core.PodSpecArgsDict:
        """Return the part of a pod spec with the node placement and the image pull Secrets."""
        settings = {
            "node_selector": self.node_selector,
            "tolerations": [_toleration(each) for each in self.tolerations],
            "priority_class_name": self.priority_class_name,
            "image_pull_secrets": [{"name": name} for name in self.image_pull_secrets],
        }
        return cast("core.PodSpecArgsDict", {key: value for key, value in settings.items() if value})

    def user(self) -> core.PodSecurityContextArgsDict:
        """Return the part of a pod's security context with user and group."""
        if self.run_as_user == NAMESPACE:
            return {}
        user = self.run_as_user or USER
        return {"run_as_user": user, "run_as_group": user, "fs_group": user}

    def metadata(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """Return the metadata of serving pods: the settings and these labels of the program."""
        annotations = {"annotations": self.annotations} if self.annotations else {}
        return {"labels": {**self.labels, **labels}, **annotations}

    def optional_of_a_job(self) -> list[str]:
        """Return the metadata paths that an existing Job may lack, for `ignoreChanges`.

        The program's own labels are not among them: Pulumi keeps an ignored value even when it replaces a Job
        (seen with 3.246).
        """
        labels = (f"[{json.dumps(key)}]" for key in {**self.labels, **_NO_ISTIO})
        template = "spec.template.metadata"
        return [f"{template}.annotations", *(f"{template}.labels{label}" for label in labels)]

    def metadata_of_a_job(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """Return the metadata of a Job's pods: always without a sidecar, because the Job would not end."""
        return {
            "labels": {**self.labels, **labels, **_NO_ISTIO},
            "annotations": {**self.annotations, **_NO_LINKERD},
        }


def _toleration(toleration: Toleration) -> core.TolerationArgsDict:
    return cast("core.TolerationArgsDict", toleration.model_dump(exclude_none=True))
