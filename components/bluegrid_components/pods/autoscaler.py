"""Sets the owner of a cluster's number of pods: the registry, or an autoscaler.

Server-side apply records an owner for each field. If this program owned `replicas` of a Deployment and then
left the field out, Kubernetes would reset it to 1 while users send requests. So the field stays, and:

fixed       the program writes it, and overwrites other writers (`pulumi.com/patchForce`)
autoscaled  the program writes it when it makes the Deployment, and keeps the live value afterwards
            (`ignoreChanges`: the provider sends the live value, or none once the autoscaler owns the field)

https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_registry.errors import RegistryError

if TYPE_CHECKING:
    from pulumi_kubernetes.autoscaling import v2

    from bluegrid_registry.registry_files.cluster_schema import Autoscaling, Cluster


def spec(name: str, autoscaling: Autoscaling) -> v2.HorizontalPodAutoscalerSpecArgsDict:
    """Return the spec of the HorizontalPodAutoscaler for the Deployment `name`."""
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": name},
        "min_replicas": autoscaling.min,
        "max_replicas": autoscaling.max,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "average_utilization": autoscaling.cpu},
                },
            }
        ],
    }


def ownership(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return the Deployment metadata that sets the owner of `replicas`, in place of `REGISTRY_WINS`.

    This also makes a Deployment differ if its owner changes and its number of pods does not.
    """
    return {"annotations": {}} if cluster.autoscaling else {}


def options(name: str, cluster: Cluster) -> pulumi.ResourceOptions:
    """Return the options of the Deployment `name` that leave its number of pods to an autoscaler."""
    if cluster.autoscaling is None:
        return pulumi.ResourceOptions()
    hooks = pulumi.ResourceHookBinding(before_update=[_refuse_without_pods(name)])
    return pulumi.ResourceOptions.merge(keep_replicas(), pulumi.ResourceOptions(hooks=hooks))


def keep_replicas() -> pulumi.ResourceOptions:
    """Return the options that make an existing Deployment keep its number of pods."""
    return pulumi.ResourceOptions(ignore_changes=["spec.replicas"])


def _refuse_without_pods(name: str) -> pulumi.ResourceHook:
    """Refuse an autoscaler for a Deployment without pods, also in previews: it never starts a first pod."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        if (args.new_inputs or {}).get("spec", {}).get("replicas") == 0:
            raise RegistryError(
                f"{name} has no pods, and an autoscaler starts none; give it `replicas` in one update, and "
                "`autoscaling` in the next"
            )

    return pulumi.ResourceHook(f"{name}-has-pods", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
