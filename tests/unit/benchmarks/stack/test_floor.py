from __future__ import annotations

import json
from typing import Any

from benchmarks.stack.floor import flat, inputs_of

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
ROOT = "urn:pulumi:floor::bluegrid::pulumi:pulumi:Stack::bluegrid-floor"


def resource(kinds: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:bench::bluegrid::{kinds}::{name}",
        "type": kinds.rpartition("$")[2],
        "custom": True,
        **more,
    }


def test_the_floor_has_the_objects_without_the_components_around_them() -> None:
    kinds = "bluegrid:serving:ModelService$bluegrid:serving:ModelCluster"
    provider = resource("pulumi:providers:kubernetes", "kubernetes", id="p1")
    job = resource(f"{kinds}$kubernetes:batch/v1:Job", "a-d1", inputs={"x": 1}, dependencies=["other"])
    job["provider"] = f"{provider['urn']}::p1"
    stack, made, first = flat([provider, resource(kinds, "a-d1"), job], "bench")
    assert stack["urn"] == made["parent"] == first["parent"] == ROOT
    assert first["urn"] == "urn:pulumi:floor::bluegrid::kubernetes:batch/v1:Job::a-d1"
    assert first["provider"] == f"{made['urn']}::p1"
    assert first["inputs"] == {"x": 1}
    assert "dependencies" not in first


def test_the_floors_inputs_are_readable_and_say_which_of_them_are_secret() -> None:
    spec = {"rules": [{"host": {**SECRET, "plaintext": json.dumps("hidden")}}]}
    inputs = {"apiVersion": "v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": spec}
    found = inputs_of(resource("kubernetes:networking.k8s.io/v1:Ingress", "a", inputs=inputs))
    assert found["inputs"] == {"metadata": {"name": "a"}, "spec": {"rules": [{"host": "hidden"}]}}
    assert found["secret"] == ["spec"]
