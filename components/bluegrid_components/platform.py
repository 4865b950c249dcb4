"""Platform of a stack: namespace, quota, network policy, ServiceAccount of the pods, store credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.networking import v1 as networking

from bluegrid_components.pods import network_policy
from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from bluegrid_components.proofs.neighbours import Neighbours

# https://kubernetes.io/docs/concepts/security/pod-security-standards/
_POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


@dataclass(frozen=True)
class PlatformArgs:
    """Arguments of a platform.

    Attributes:
        namespace: Kubernetes namespace to make.
        store: URL of the store.
        store_access_key: access key of the account with which pods read the store; None: pods use their own
            cloud identity, by the ServiceAccount.
        store_secret_key: secret key of the account.
        store_ca: CA certificate, PEM, that pods trust for the store; None: public CAs.
        store_generation: suffix of the Secret's name; pods use the Secret with the old credentials until they
            are replaced. None: no suffix.
        neighbours: the other stacks of the namespace, for which its objects stay; None: there are none.
        quota: limits for all pods of the namespace together, by resource, such as `requests.cpu`; empty: no
            quota. https://kubernetes.io/docs/concepts/policy/resource-quotas/
        proxy_namespace: namespace of the proxy's pods, which alone may request predictions; None: any may.
        service_account_annotations: annotations of the pods' ServiceAccount, such as
            `eks.amazonaws.com/role-arn`.
    """

    namespace: pulumi.Input[str]
    store: pulumi.Input[str]
    store_access_key: pulumi.Input[str] | None = None
    store_secret_key: pulumi.Input[str] | None = None
    quota: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    store_ca: str | None = None
    proxy_namespace: str | None = None
    service_account_annotations: Mapping[str, str] = field(default_factory=dict)
    store_generation: str | None = None
    neighbours: Neighbours | None = None

    @property
    def account(self) -> Mapping[str, pulumi.Input[str]]:
        """The store's account as environment variables of the pods; empty without an account."""
        keys = zip(contract.STORE_KEYS, (self.store_access_key, self.store_secret_key), strict=True)
        return {name: pulumi.Output.secret(key) for name, key in keys if key is not None}


class Platform(pulumi.ComponentResource):
    """A namespace that only admits pods without privileges, and the objects that these pods need."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    store_secret: pulumi.Output[str] | None
    """Name of the Secret with the store's account and CA; None if there is neither."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Platform", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = _kept(child, args.neighbours.keep_platform if args.neighbours else None)
        labels = contract.common_labels()
        namespace = core.Namespace(
            name, metadata={"name": args.namespace, "labels": labels | _POD_SECURITY}, opts=kept
        )
        self.namespace = namespace.metadata["name"]
        networking.NetworkPolicy(
            name,
            metadata={"name": contract.MANAGER, "namespace": self.namespace, "labels": labels},
            spec=pulumi.Output.from_input(args.store).apply(
                lambda store: network_policy.policy(
                    store, args.proxy_namespace, with_identity=args.store_access_key is None
                )
            ),
            opts=kept,
        )
        if args.quota:
            core.ResourceQuota(
                name,
                metadata={"name": contract.MANAGER, "namespace": self.namespace, "labels": labels},
                spec={"hard": args.quota},
                opts=child,
            )
        annotations = args.service_account_annotations
        account = core.ServiceAccount(
            contract.SERVICE_ACCOUNT,
            metadata={
                "name": contract.SERVICE_ACCOUNT,
                "namespace": self.namespace,
                "labels": labels,
                **({"annotations": annotations} if annotations else {}),
            },
            automount_service_account_token=False,
            opts=kept,
        )
        self.service_account = account.metadata["name"]
        data = {**args.account, **({contract.STORE_CA: args.store_ca} if args.store_ca else {})}
        secret = contract.store_secret(args.store_generation)
        of_secret = _kept(child, args.neighbours.keep_secret if args.neighbours else None)
        self.store_secret = self._make_secret(secret, labels, data, of_secret) if data else None
        self.register_outputs({"namespace": self.namespace})

    def _make_secret(
        self,
        name: str,
        labels: Mapping[str, str],
        data: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str]:
        secret = core.Secret(
            name,
            metadata={"name": name, "namespace": self.namespace, "labels": labels},
            string_data=data,
            opts=opts,
        )
        made = secret.metadata["name"]
        # Waited for, and no dependency in the state. A Secret of other keys is another resource, and an
        # update of one service alone could write what depends on the old one before it: Pulumi refuses such
        # a state from then on.
        return pulumi.Output(set(), cast("Awaitable[str]", made.future()), made.is_known(), made.is_secret())


def _kept(opts: pulumi.ResourceOptions, hook: pulumi.ResourceHook | None) -> pulumi.ResourceOptions:
    """Return options with a hook that may refuse the deletion."""
    hooks = pulumi.ResourceHookBinding(before_delete=[hook]) if hook is not None else None
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=hooks))
