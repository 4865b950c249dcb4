"""What a stack's clusters stand on: namespace, network policy, pods' account, credentials of the store."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.networking import v1 as networking

from components import naming, network
from components.pod import STORE_KEYS

# https://kubernetes.io/docs/concepts/security/pod-security-standards/
_POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


@dataclass(frozen=True)
class PlatformArgs:
    """The namespace to make, the URL of the store, and the account that pods read it with."""

    namespace: pulumi.Input[str]
    store: str
    store_access_key: pulumi.Input[str]
    store_secret_key: pulumi.Input[str]


class Platform(pulumi.ComponentResource):
    """A namespace in which only pods without privileges start, and what they need there."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    store_secret: pulumi.Output[str]

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Platform", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = naming.common_labels()
        namespace = core.Namespace(
            name, metadata={"name": args.namespace, "labels": labels | _POD_SECURITY}, opts=child
        )
        self.namespace = namespace.metadata["name"]
        networking.NetworkPolicy(
            name,
            metadata={"name": naming.MANAGER, "namespace": self.namespace, "labels": labels},
            spec=network.policy(args.store),
            opts=child,
        )
        account = core.ServiceAccount(
            naming.SERVICE_ACCOUNT,
            metadata={"name": naming.SERVICE_ACCOUNT, "namespace": self.namespace, "labels": labels},
            automount_service_account_token=False,
            opts=child,
        )
        self.service_account = account.metadata["name"]
        keys = (args.store_access_key, args.store_secret_key)
        secret = core.Secret(
            naming.STORE_SECRET,
            metadata={"name": naming.STORE_SECRET, "namespace": self.namespace, "labels": labels},
            string_data={name: pulumi.Output.secret(key) for name, key in zip(STORE_KEYS, keys, strict=True)},
            opts=child,
        )
        self.store_secret = secret.metadata["name"]
        self.register_outputs({"namespace": self.namespace})
