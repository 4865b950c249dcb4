"""A switch reads its objects again by Pulumi only if one of them is not as the stack's state has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.api_server import ApiServer, refusal
from tests.support.kubernetes_objects import live_route, named
from tests.support.operator import output_of, pulumi_that, stack_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVICE = "urn:pulumi:north::grid::bluegrid:serving:ModelService"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
SWITCH = ("switch", "line-loading", "d2", "--stack", "north", "--up", "--yes")


def state(live: str, **more: Any) -> dict[str, Any]:
    """Return a state whose live route leads to a cluster."""
    route = f"{SERVICE}$bluegrid:serving:Route"
    inputs = named(live_route(live), "line-loading")
    resources = [
        {"urn": f"{SERVICE}::line-loading", "type": "bluegrid:serving:ModelService"},
        {"urn": f"{route}::line-loading", "type": "bluegrid:serving:Route"},
        {"urn": f"{route}${INGRESS}::line-loading", "type": INGRESS, "custom": True, "inputs": inputs},
    ]
    return {"resources": resources, **more}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """An API server whose live route leads to what the file `live` says."""

    def answer(path: str, query: dict[str, list[str]], sent: bytes) -> tuple[int, str]:
        route = named(live_route((tmp_path / "live").read_text().strip()), "line-loading")
        # Kubernetes adds fields to what was declared.
        route["status"] = {"loadBalancer": {}}
        api.kinds["ingresses"] = [route]
        if path.endswith("/ingresses/line-loading"):
            return 200, json.dumps(route)
        return plain(path, query, sent)

    with ApiServer({}) as api:
        plain = api.answer
        api.answer = answer  # type: ignore[method-assign]
        yield api


@pytest.fixture
def switch(
    tmp_path: Path, file: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[bool]]:
    """Provides a switch to d2; returns of each `pulumi up` whether it refreshes."""
    assert file.exists()

    def run(deployment: dict[str, Any], live: str, *, works: str = "") -> list[bool]:
        (tmp_path / "live").write_text(live)
        (tmp_path / "state").write_text(json.dumps({"version": 3, "deployment": deployment}))
        reads = f'[ "$1" = stack ] && {{ cat {tmp_path}/state; exit; }}'
        updates = f'echo "$*" >> {tmp_path}/ran; case "$*" in *{works}*) echo d2 > {tmp_path}/live;; esac'
        pulumi_that(f"{reads}\n{updates}", tmp_path, monkeypatch)
        stack_file(tmp_path, "north", kubeContext="there", kubeconfig=str(api.kubeconfig(tmp_path)))
        output_of(*SWITCH)
        return ["--refresh --run-program" in line for line in (tmp_path / "ran").read_text().splitlines()]

    return run


def test_a_route_that_is_as_in_the_state_is_not_read_again(switch: Callable[..., list[bool]]) -> None:
    assert switch(state("d1"), "d1") == [False]


def test_after_a_switch_that_was_interrupted_in_the_gate_it_is(switch: Callable[..., list[bool]]) -> None:
    """The state has the backend that the switch goes to, so Pulumi would find nothing to do."""
    assert switch(state("d2"), "d1") == [True]


@pytest.mark.parametrize(
    "deployment",
    [
        state("d1", pending_operations=[{"type": "updating", "resource": {"urn": "any"}}]),
        {"resources": state("d1")["resources"][:-1]},
        {"resources": [*state("d1")["resources"], {**state("d1")["resources"][-1], "delete": True}]},
        {},
    ],
    ids=["an update was killed", "not made yet", "being replaced", "nothing is made"],
)
def test_so_it_is_where_the_state_does_not_tell(
    switch: Callable[..., list[bool]], deployment: dict[str, Any]
) -> None:
    assert switch(deployment, "d1") == [True]


def test_so_it_is_by_a_login_that_may_not_read_the_route(
    switch: Callable[..., list[bool]], api: ApiServer
) -> None:
    api.answer = lambda *_: refusal(403, "may not")  # type: ignore[method-assign]
    assert switch(state("d1"), "d1") == [True]


def test_a_switch_that_another_update_has_made_void_is_made_again(
    switch: Callable[..., list[bool]],
) -> None:
    """An update that was interrupted between the read of the state and this update."""
    assert switch(state("d1"), "d1", works="--refresh") == [False, True]
