"""A demo deploys only to the cluster that the user named, and only into its own part of the store."""

from __future__ import annotations

import pytest

from bluegrid_registry import ConfigError
from tools.demo.place import named

WHOLE = {
    "KUBE_CONTEXT": "kind-kind",
    "STORE": "s3://models/grid?endpoint=http://127.0.0.1:7070&region=us-east-1",
    "IMAGE": "registry.example/server:1",
    "ROUTE_ADDRESS": "http://127.0.0.1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
}


def test_all_that_a_named_cluster_lacks_is_told_in_one_line() -> None:
    with pytest.raises(ConfigError) as refused:
        named({"KUBE_CONTEXT": "kind-kind", "IMAGE": "registry.example/server:1"})
    (line,) = str(refused.value).splitlines()
    assert "KUBE_CONTEXT=kind-kind" in line
    assert all(f"{name}=" in line for name in WHOLE.keys() - {"KUBE_CONTEXT", "IMAGE"})
    assert "IMAGE=" not in line


def test_every_demo_has_a_prefix_of_its_own_in_the_store() -> None:
    first, second = (named(WHOLE).store for _ in range(2))
    assert first != second
    assert first.startswith("s3://models/grid/demo-")
    assert first.endswith("?endpoint=http://127.0.0.1:7070&region=us-east-1")
