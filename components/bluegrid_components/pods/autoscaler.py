"""Who decides on the number of a cluster's pods: the registry, or an autoscaler.

Server-side apply keeps an owner for each field. To leave `replicas` out of a Deployment that this program
has owned it in would reset it to 1: in front of users, who have had more. So it stays in, and:

fixed       the program writes it, whoever has written it since (`pulumi.com/patchForce`)
autoscaled  the program writes it when it makes the Deployment; after that it keeps what it finds
            (`ignoreChanges`: the provider sends the live value, or none once the autoscaler owns the field)

https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_registry.errors import RegistryError

if TYPE_CHECKING:
    from pulumi_kubernetes.autoscaling import v2 as autoscaling

    from bluegrid_registry.registry_files.cluster_schema import Autoscaling, Cluster


def spec(name: str, wanted: Autoscaling) -> autoscaling.HorizontalPodAutoscalerSpecArgsDict:
    """Return what the autoscaler of the Deployment `name` has to do."""
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": name},
        "min_replicas": wanted.min,
        "max_replicas": wanted.max,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "average_utilization": wanted.cpu},
                },
            }
        ],
    }


def ownership(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return what the Deployment's metadata says of the owner of `replicas`, in place of `REGISTRY_WINS`.

    It also makes a Deployment differ that goes from one to the other with the same number of pods.
    """
    return {"annotations": {}} if cluster.autoscaling else {}


def options(name: str, cluster: Cluster) -> pulumi.ResourceOptions:
    """Return the options of the Deployment `name` by which an autoscaler keeps what it has decided."""
    if cluster.autoscaling is None:
        return pulumi.ResourceOptions()
    hooks = pulumi.ResourceHookBinding(before_update=[_refusal_of_no_pods(name)])
    return pulumi.ResourceOptions.merge(kept(), pulumi.ResourceOptions(hooks=hooks))


def kept() -> pulumi.ResourceOptions:
    """Return the options of a Deployment by which it keeps its number of pods once it is there."""
    return pulumi.ResourceOptions(ignore_changes=["spec.replicas"])


def _refusal_of_no_pods(name: str) -> pulumi.ResourceHook:
    """Refuse, in previews too, what would wait in vain: an autoscaler never starts a first pod."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        if (args.new_inputs or {}).get("spec", {}).get("replicas") == 0:
            raise RegistryError(
                f"{name} has no pods, and an autoscaler starts none; give it `replicas` in one update, and "
                "`autoscaling` in the next"
            )

    return pulumi.ResourceHook(f"{name}-has-pods", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
