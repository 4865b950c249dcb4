"""The platform of another stack, as a stack uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.core import v1 as core

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SharedPlatformArgs:
    """Arguments of a platform that another stack has made.

    Attributes:
        namespace: Kubernetes namespace of both stacks.
        store_secret: name of the Secret with the store's account and CA; None: there is none.
    """

    namespace: str
    store_secret: str | None = None


class SharedPlatform(pulumi.ComponentResource):
    """The mark by which the other stack knows that its namespace is used; nothing of the platform is made.

    All objects of the stack depend on the mark, so that it is deleted last.
    """

    namespace: pulumi.Output[str]
    service_account: str
    store_secret: str | None
    """Name of the Secret with the store's account and CA; None if there is neither."""

    def __init__(
        self, name: str, args: SharedPlatformArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("bluegrid:serving:SharedPlatform", name, None, opts)
        stack = pulumi.get_stack()
        labels: Mapping[str, str] = {
            **contract.common_labels(),
            contract.STACK: contract.stack_label(stack),
        }
        # A ServiceAccount, since roles for `pulumi up` and for previews have the rights for it.
        mark = core.ServiceAccount(
            contract.stack_mark(stack),
            metadata={"name": contract.stack_mark(stack), "namespace": args.namespace, "labels": labels},
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = mark.metadata["namespace"]
        self.service_account = contract.SERVICE_ACCOUNT
        self.store_secret = args.store_secret
        self.register_outputs({"namespace": self.namespace})
