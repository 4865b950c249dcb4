"""The error for a mistyped name lists the existing names: contexts, namespaces, services, clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import KubernetesError, Namespace, followed, logs
from bluegrid_registry import RegistryError
from tests.support.api_server import ApiServer
from tests.support.kubernetes_objects import objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bluegrid.operations.logs import Line
    from tests.support.api_server import Connect


@pytest.mark.parametrize("read", [logs, followed])
def test_logs_of_a_service_that_does_not_run_name_those_that_do(
    connect: Connect, read: Callable[..., Iterator[Line]]
) -> None:
    with ApiServer(objects(2)) as api, pytest.raises(RegistryError) as refused:
        next(iter(read(connect(api), "sevrice0")))
    assert str(refused.value) == (
        "service sevrice0: nothing of it runs in namespace bluegrid of there; "
        "services there: service0, service1"
    )


def test_logs_of_a_cluster_that_does_not_run_name_those_that_do(connect: Connect) -> None:
    with ApiServer(objects(1)) as api, pytest.raises(RegistryError) as refused:
        next(logs(connect(api), "service0", "d9"))
    assert str(refused.value) == (
        "service service0: has no cluster d9 in namespace bluegrid of there; clusters there: d1, d2"
    )


def test_a_cluster_of_no_pods_is_not_taken_for_a_wrong_name(connect: Connect) -> None:
    with ApiServer(objects(1) | {"pods": []}) as api, pytest.raises(RegistryError) as refused:
        next(logs(connect(api), "service0", "d1"))
    assert str(refused.value) == (
        "cluster d1 of service service0: has no pods in namespace bluegrid of there; "
        "see `bluegrid status service0`"
    )


def test_a_namespace_that_is_not_there_is_refused_with_those_in_which_services_run(connect: Connect) -> None:
    found = objects(1)
    for each in found["deployments"]:
        each["metadata"]["namespace"] = "bluegrid-north"
    with ApiServer(found) as api, pytest.raises(KubernetesError) as refused:
        next(logs(connect(api, "bluegrid-nroth"), "service0"))
    assert str(refused.value) == (
        "namespace bluegrid-nroth: not found in context there; services run in bluegrid-north"
    )


def test_a_context_that_is_not_in_the_kubeconfig_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with ApiServer(objects(1)) as api, pytest.raises(KubernetesError) as refused:
        Namespace.connect("nroth", "bluegrid", api.kubeconfig(tmp_path))
    assert str(refused.value) == "context nroth: not in the kubeconfig, which has there"


def test_a_context_whose_cluster_is_missing_is_told_as_that(tmp_path: Path) -> None:
    with ApiServer(objects(1)) as api:
        file = api.kubeconfig(tmp_path)
    file.write_text(file.read_text().replace('"name": "c"', '"name": "another"'))
    with pytest.raises(KubernetesError) as refused:
        Namespace.connect("there", "bluegrid", file)
    assert "not in the kubeconfig" not in str(refused.value)
