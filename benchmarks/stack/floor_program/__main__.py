"""The floor: the objects of a stack, declared one after the other without components, hooks and checks.

The objects are read from the file $BLUEGRID_FLOOR, which `benchmarks/stack/floor.py` writes.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

KINDS = {
    "kubernetes:apps/v1:Deployment": kubernetes.apps.v1.Deployment,
    "kubernetes:batch/v1:Job": kubernetes.batch.v1.Job,
    "kubernetes:core/v1:Namespace": kubernetes.core.v1.Namespace,
    "kubernetes:core/v1:Secret": kubernetes.core.v1.Secret,
    "kubernetes:core/v1:Service": kubernetes.core.v1.Service,
    "kubernetes:core/v1:ServiceAccount": kubernetes.core.v1.ServiceAccount,
    "kubernetes:networking.k8s.io/v1:Ingress": kubernetes.networking.v1.Ingress,
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": kubernetes.networking.v1.NetworkPolicy,
}

objects = json.loads(Path(os.environ["BLUEGRID_FLOOR"]).read_bytes())
provider = kubernetes.Provider("kubernetes", **objects["provider"])
for each in objects["objects"]:
    inputs = {
        name: pulumi.Output.secret(value) if name in each["secret"] else value
        for name, value in each["inputs"].items()
    }
    KINDS[each["type"]](each["name"], **inputs, opts=pulumi.ResourceOptions(provider=provider))


async def outputs() -> None:
    """Let every resource begin to register, as our own program does; otherwise the SDK takes much longer."""
    await asyncio.sleep(0)


pulumi.run(outputs)
