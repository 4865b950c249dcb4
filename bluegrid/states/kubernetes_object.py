"""A Kubernetes object, as in Pulumi's states, previews and policy packs."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from bluegrid_registry.contract import LABEL
from bluegrid_registry.route_backends import backends_of


class Foreign(BaseModel):
    """A document of Pulumi, which may have more fields than are read here."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class KubernetesObject(Foreign):
    """A Kubernetes object, as Pulumi gets it.

    Attributes:
        type: the object's type in Pulumi, such as `kubernetes:apps/v1:Deployment`.
        inputs: the object.
    """

    type: str
    inputs: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of the object, such as `Deployment`."""
        return self.type.rpartition(":")[2]

    @property
    def name(self) -> str:
        """Its name in Kubernetes."""
        return str(self._metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace in Kubernetes; empty: it has none, or the namespace is not known yet."""
        return str(self._metadata.get("namespace", ""))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return _dict(self._metadata.get("labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return _dict(self._metadata.get("annotations"))

    @property
    def service(self) -> str:
        """Its model service; empty: none."""
        return str(self.labels.get(f"{LABEL}/service", ""))

    @property
    def cluster(self) -> str:
        """Its cluster of the service; empty: none."""
        return str(self.labels.get(f"{LABEL}/cluster", ""))

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its specification; a text stands in the place of a secret value."""
        return _dict(self.inputs.get("spec"))

    @property
    def is_route(self) -> bool:
        """Whether it is an Ingress or an HTTPRoute."""
        return self.kind in ("Ingress", "HTTPRoute")

    @property
    def is_live_route(self) -> bool:
        """Whether it is a live route; a standing route belongs to a cluster."""
        return self.is_route and not self.cluster

    @property
    def backends(self) -> dict[str, int]:
        """Of a route: the weight of each Service that it leads to, as far as Pulumi shows them.

        Pulumi hides the rules of an Ingress with a secret host, such as a standing route.
        """
        return backends_of(self.spec)

    @property
    def pod(self) -> Mapping[str, Any]:
        """Of a Deployment or a Job: the specification of its pods."""
        return _dict(_dict(self.spec.get("template")).get("spec"))

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The containers of its pods; Pulumi hides a container that has a secret in it."""
        return [*dicts(self.pod.get("initContainers")), *dicts(self.pod.get("containers"))]

    @property
    def pod_labels(self) -> Mapping[str, str]:
        """Of a Deployment or a Job: the labels of its pods."""
        return _dict(_dict(_dict(self.spec.get("template")).get("metadata")).get("labels"))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of its containers that have plain values."""
        variables = [each for container in self.containers for each in dicts(container.get("env"))]
        return {str(each.get("name")): str(each["value"]) for each in variables if "value" in each}

    @property
    def _metadata(self) -> Mapping[str, Any]:
        return _dict(self.inputs.get("metadata"))


def _dict(value: Any) -> dict[str, Any]:
    """Return the value, or an empty dict for a text in the place of a secret."""
    return value if isinstance(value, dict) else {}


def dicts(values: Any) -> list[dict[str, Any]]:
    """Return the dicts of a list, without texts in the place of secrets."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
