"""The output that the demo shows of its commands."""

from __future__ import annotations

import pytest

from tools.demo.workspace import NOISE


@pytest.mark.parametrize(
    "line",
    [
        "@ updating....\n",
        "\n",
        " +  kubernetes:apps/v1:Deployment line-loading-d2 creating (0s) Waiting for app ReplicaSet\n",
        "    warning: using pulumi-resource-kubernetes from $PATH at /somewhere\n",
    ],
)
def test_every_moment_of_every_resource_is_not_shown(line: str) -> None:
    assert NOISE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        " +  kubernetes:apps/v1:Deployment line-loading-d2 created (7s)\n",
        " ~  kubernetes:networking.k8s.io/v1:Ingress line-loading updated (0.84s) [diff: ~spec];\n",
        " +  kubernetes:batch/v1:Job line-loading-d4-preflight **creating failed** error: 4 errors\n",
        "    * [Pod x]: [Error] set g1 version v4: model line-17 in pack 05589b0f: SHA-256 differs\n",
    ],
)
def test_how_a_resource_ended_and_every_error_is_shown(line: str) -> None:
    assert not NOISE.search(line)
