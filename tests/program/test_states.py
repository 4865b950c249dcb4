"""The objects that the program makes from a registry have no drift from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.states import KubernetesObject, drift, states_of_objects, states_of_offered
from bluegrid_registry import Registry
from tests.program.recorder import run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("more", "proxy"),
    [
        ("", {}),
        ("  standbyReplicas: 0\n", {}),
        ("  traffic: {d1: 10, d2: 90}\n", {"ingressClass": "", "gateway": "infra/public"}),
    ],
    ids=["plain", "standby without pods", "shared traffic"],
)
def test_what_the_program_makes_has_no_drift_from_the_registry(
    registry: Write, more: str, proxy: dict[str, str]
) -> None:
    folder = registry(gpu=1, more=more)
    made = states_of_objects(
        KubernetesObject(type=each.type, inputs=each.inputs)
        for each in run_program(folder, **proxy).objects()
    )
    declared = states_of_offered(Registry.load(folder).offered("demo"))
    assert drift(declared, made) == []
    manifests = [
        {each.id: each.manifest for each in states["line-loading"].clusters.values()}
        for states in (declared, made)
    ]
    assert manifests[0] == manifests[1] == {"d1": f"sha256:{'1' * 64}", "d2": f"sha256:{'2' * 64}"}
