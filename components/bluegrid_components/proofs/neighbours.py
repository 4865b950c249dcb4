"""Protects stacks that share a namespace from each other.

One of them makes the platform; each other stack marks the namespace with a ServiceAccount of its own. Only
the engine knows what is in a stack's state, so that what a stack must not do is refused by hooks: before it
deletes what others use, and before it creates a service that runs already. Objects have no label of their
stack: a service that moves to another stack would change.
"""

from __future__ import annotations

import json
import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from bluegrid_components.kubernetes_api.api_server import ApiServer


class OfOtherStacks(BluegridError):  # noqa: N818 - named after the fault
    """An update would delete or take over what other stacks of the namespace have."""


class Neighbours:
    """The other stacks of a namespace; one instance in a program.

    Args:
        server: API server of the stack's cluster; None: it cannot be reached, and nothing is refused.
        namespace: of the stack.
        platform: stack whose platform is used; None: this stack makes it.
        services: names of the services that this stack declares.
    """

    def __init__(
        self, server: ApiServer | None, namespace: str, platform: str | None, services: Collection[str]
    ) -> None:
        self._server, self._namespace, self._platform = server, namespace, platform
        self._services = frozenset(services)
        self._stack = pulumi.get_stack()
        self.users = self._users_at_the_start()
        """The stacks, besides this one, that use the namespace with the platform of another stack."""
        # The state has the names of hooks before deletes, so that they are always registered.
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        self.keep_platform = pulumi.ResourceHook(
            "bluegrid-platform-stays", self._require_unused_platform, in_previews_too
        )
        self.keep_secret = pulumi.ResourceHook("bluegrid-secret-stays", self._require_unused_secret)
        self._own = pulumi.ResourceHook("bluegrid-own-service", self._require_new, in_previews_too)

    @property
    def are_there(self) -> bool:
        """Whether the namespace has other stacks."""
        return self._platform is not None or bool(self.users)

    @property
    def options_of_service(self) -> pulumi.ResourceOptions:
        """Options of a service: it is not created where another stack has it."""
        hooks = pulumi.ResourceHookBinding(before_create=[self._own]) if self.are_there else None
        return pulumi.ResourceOptions(hooks=hooks)

    def _users_at_the_start(self) -> list[str]:
        try:
            return self._users_of(self._namespace)
        except ApiServerSilent:
            # The server has stopped answering: the registration of the first object reports this.
            return []

    def _users_of(self, namespace: str) -> list[str]:
        if self._server is None:
            return []
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        status, body = self._server.get(path, labelSelector=contract.STACK)
        if status == HTTPStatus.FORBIDDEN:
            pulumi.log.warn(
                f"this login may not list the serviceaccounts of {namespace}: whether other stacks use the "
                "namespace is not known; bind the role bluegrid-up, or bluegrid-preview for previews"
            )
        marks = json.loads(body).get("items") or [] if status == HTTPStatus.OK else []
        labels = [each["metadata"].get("labels") or {} for each in marks]
        stacks = {str(each[contract.STACK]) for each in labels if contract.STACK in each}
        return sorted(stacks - {contract.stack_label(self._stack)})

    def _require_unused_platform(self, args: pulumi.ResourceHookArgs) -> None:
        metadata = _metadata(args)
        namespace = str(metadata.get("namespace") or metadata["name"])
        if self._platform is not None:
            raise OfOtherStacks(
                f"stack {self._stack} has made namespace {namespace} and would delete it, since "
                f"bluegrid:platform is {self._platform}: pulumi config rm --stack {self._stack} "
                "bluegrid:platform"
            )
        if users := self._users_of(namespace):
            raise OfOtherStacks(
                f"namespace {namespace} is used by {' and '.join(users)} with the platform of this stack, "
                "and their services would go with it; destroy those stacks first: pulumi destroy "
                f"--run-program --stack {users[0]}"
            )

    def _require_unused_secret(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuse to delete the Secret that pods of other stacks still name, as after new credentials."""
        metadata = _metadata(args)
        namespace, name = str(metadata["namespace"]), str(metadata["name"])
        users = self._users_of(namespace)
        if not users:
            return
        deployments = self._deployments(namespace, **_selector())
        using = {
            each["metadata"]["labels"][f"{contract.LABEL}/service"]
            for each in deployments
            if name in _secrets_of(each["spec"]["template"]["spec"])
        }
        if others := sorted(using - self._services):
            raise OfOtherStacks(
                f"Secret {name} stays, since pods of {_listed(others)} in other stacks of {namespace} need "
                "it; all else is done: give those stacks the new credentials and update them, such as with "
                f"pulumi up --stack {users[0]}, then this stack once more"
            )

    def _require_new(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuse to create a service that runs already: another stack has made it."""
        allowed = re.split(r"[\s,]+", os.environ.get(contract.ADOPT, ""))
        if args.name in allowed:
            return
        if self._deployments(self._namespace, **_selector(args.name), limit="1"):
            raise OfOtherStacks(
                f"service {args.name} runs in namespace {self._namespace} already, and stack {self._stack} "
                "has not made it: name its one stack in `regions`, and move it if that is this one: bluegrid "
                f"stack move {args.name} --stack OTHER --dest {self._stack}; if the state of {self._stack} "
                f"was lost: {contract.ADOPT}={args.name} pulumi up"
            )

    def _deployments(self, namespace: str, **query: str) -> list[dict[str, Any]]:
        if self._server is None:
            return []
        status, body = self._server.get(f"/apis/apps/v1/namespaces/{namespace}/deployments", **query)
        return json.loads(body).get("items") or [] if status == HTTPStatus.OK else []


def _metadata(args: pulumi.ResourceHookArgs) -> Mapping[str, Any]:
    metadata: Mapping[str, Any] = (args.old_inputs or {})["metadata"]
    return metadata


def _selector(service: str | None = None) -> dict[str, str]:
    ((label, value),) = contract.common_labels().items()
    of_service = f"{contract.LABEL}/service" + ("" if service is None else f"={service}")
    return {"labelSelector": f"{label}={value},{of_service}"}


def _secrets_of(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Secrets that a pod needs for the store."""
    for container in pod.get("containers") or ():
        for variable in container.get("env") or ():
            yield str(((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"))
    for volume in pod.get("volumes") or ():
        yield str((volume.get("secret") or {}).get("secretName"))


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
