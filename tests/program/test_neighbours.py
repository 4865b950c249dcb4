"""Hooks that keep what stacks of one namespace share, and what one of them has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pulumi import ResourceHookArgs

from bluegrid_components.kubernetes_api.api_server import ApiServer
from bluegrid_components.proofs.neighbours import Neighbours, OfOtherStacks
from tests.program.cluster import api_server, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNTS = "/api/v1/namespaces/grid/serviceaccounts"
DEPLOYMENTS = "/apis/apps/v1/namespaces/grid/deployments"
NAMESPACE = {"metadata": {"name": "grid"}}
SECRET = {"metadata": {"name": "bluegrid-store", "namespace": "grid"}}


def marks(*stacks: str) -> dict[str, Any]:
    return {"items": [{"metadata": {"labels": {"bluegrid.io/stack": each}}} for each in stacks]}


def deployment(service: str, secret: str = "bluegrid-store") -> dict[str, Any]:
    key = {"valueFrom": {"secretKeyRef": {"name": secret, "key": "AWS_ACCESS_KEY_ID"}}}
    pod = {"containers": [{"env": [{"name": "A", "value": "b"}, key]}]}
    return {
        "metadata": {"labels": {"bluegrid.io/service": service}},
        "spec": {"template": {"spec": pod}},
    }


@pytest.fixture(autouse=True)
def without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", lambda hook: None)
    monkeypatch.setattr("pulumi.get_stack", lambda: "north")


@contextmanager
def neighbours(
    folder: Path, *stacks: str, platform: str | None = None, running: tuple[dict[str, Any], ...] = ()
) -> Iterator[Neighbours]:
    objects = {ACCOUNTS: marks(*stacks), DEPLOYMENTS: {"items": running}}
    with api_server(objects=objects) as url:
        server = ApiServer("kind", str(kubeconfig(folder / "config", url, "kind")))
        yield Neighbours(server, "grid", platform, ["line-loading"])


def args(name: str, old: dict[str, Any] | None = None) -> ResourceHookArgs:
    return ResourceHookArgs("urn", "id", name, "type", None, old)


def test_a_platform_goes_if_nobody_else_uses_it(tmp_path: Path) -> None:
    with neighbours(tmp_path, "north") as alone:
        assert not alone.are_there
        alone.keep_platform(args("platform", NAMESPACE))
        alone.keep_secret(args("bluegrid-store", SECRET))
        assert alone.options_of_service.hooks is None


def test_a_platform_stays_that_other_stacks_use(tmp_path: Path) -> None:
    with neighbours(tmp_path, "north-lines", "north-cables") as others:
        assert others.are_there
        with pytest.raises(OfOtherStacks) as refused:
            others.keep_platform(args("platform", NAMESPACE))
    assert str(refused.value) == (
        "namespace grid is used by north-cables and north-lines with the platform of this stack, and their "
        "services would go with it; destroy those stacks first: pulumi destroy --run-program --stack "
        "north-cables"
    )


def test_a_secret_stays_while_pods_of_other_stacks_need_it(tmp_path: Path) -> None:
    own, others = deployment("line-loading"), deployment("bus-voltage")
    refusal = pytest.raises(
        OfOtherStacks, match=r"^Secret bluegrid-store stays, since pods of bus-voltage in"
    )
    with neighbours(tmp_path, "north-lines", running=(own, others)) as found, refusal:
        found.keep_secret(args("bluegrid-store", SECRET))
    with neighbours(tmp_path, "north-lines", running=(own, deployment("bus-voltage", "new"))) as found:
        found.keep_secret(args("bluegrid-store", SECRET))


def test_a_service_that_runs_is_not_made_by_a_second_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with neighbours(tmp_path, "north-lines", running=(deployment("load"),)) as found:
        hooks = found.options_of_service.hooks
        assert hooks is not None
        assert hooks.before_create is not None
        (own,) = hooks.before_create
        assert not isinstance(own, str)
        with pytest.raises(
            OfOtherStacks, match=r"^service load runs in namespace grid already, and stack north "
        ):
            own(args("load"))
        monkeypatch.setenv("BLUEGRID_ADOPT", "bus-voltage, load")
        own(args("load"))
    with neighbours(tmp_path, platform="north") as found:
        assert found.are_there
