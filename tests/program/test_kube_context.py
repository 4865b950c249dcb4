"""Without a reachable cluster an update is refused before it starts; a preview continues."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pulumi
import pytest

from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import ENGINE, run_program, run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

NOWHERE = "http://127.0.0.1:1"


def refusal(registry: Path, **changed: str) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run_program(registry, **changed)
    return str(refused.value)


@pytest.mark.parametrize("preview", [False, True])
def test_a_context_that_is_not_in_the_kubeconfig_is_refused_with_those_that_are(
    registry: Write, tmp_path: Path, preview: bool
) -> None:
    file = kubeconfig(tmp_path / "config", NOWHERE, "south", "north")
    with pytest.raises(pulumi.RunError) as refused:
        run_update(registry(), {"kubeContext": "nroth", "kubeconfig": str(file)}, preview=preview)
    assert str(refused.value) == (
        f"bluegrid:kubeContext: nroth is not in the kubeconfig {file}, which has north, south: "
        "pulumi config set --stack demo bluegrid:kubeContext NAME"
    )


def test_the_context_may_be_in_any_of_several_kubeconfigs(
    registry: Write, cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = kubeconfig(tmp_path / "config", NOWHERE, "other")
    files = os.pathsep.join(map(str, (other, tmp_path / "missing", cluster)))
    monkeypatch.setenv("KUBECONFIG", files)
    assert "Deployment line-loading-d1" in run_program(registry()).resources
    assert refusal(registry(), kubeContext="nroth").startswith(
        f"bluegrid:kubeContext: nroth is not in the kubeconfig {files}, which has kind, kind-models, other: "
    )


def test_a_kubeconfig_that_is_none(registry: Write, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("contexts: [")
    assert (
        refusal(registry(), kubeconfig=str(file))
        == f"{file}: is not a readable kubeconfig; see `kubectl config view`"
    )


def test_an_update_without_a_kubeconfig_is_refused(
    registry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert refusal(registry()) == (
        f"context kind: {tmp_path}/missing has no contexts: name a kubeconfig, by KUBECONFIG or "
        "bluegrid:kubeconfig; nothing was changed"
    )


def test_an_update_of_a_cluster_that_does_not_answer_is_refused(registry: Write, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", NOWHERE, "kind")
    text = refusal(registry(), kubeconfig=str(file))
    assert text.startswith(f"context kind: {NOWHERE} does not answer: ")
    assert text.endswith("; see `kubectl --context kind version`; nothing was changed")
    assert "refused" in text
    assert "\n" not in text


def test_a_preview_goes_on_without_a_cluster_and_warns_once(
    registry: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, ENGINE.name)
    file = kubeconfig(tmp_path / "config", NOWHERE, "kind")
    plan = run_update(registry(), {"kubeconfig": str(file)}, preview=True)
    assert "Deployment line-loading-d1" in plan.resources
    (warning,) = caplog.messages
    assert warning.startswith(f"context kind: {NOWHERE} does not answer: ")
    assert warning.endswith("; what follows is what the stack knows, not what runs")


def test_a_stack_whose_cluster_is_gone_for_good_can_be_destroyed(
    registry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    file = kubeconfig(tmp_path / "config", NOWHERE, "kind")
    assert "Deployment line-loading-d1" in run_program(registry(), kubeconfig=str(file)).resources


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "Unauthorized"), (403, 'forbidden: User "system:anonymous" cannot get path "/api"')],
)
def test_a_login_that_has_expired_is_told_as_what_it_is(
    registry: Write, tmp_path: Path, status: int, message: str
) -> None:
    with api_server(status, message) as server:
        text = refusal(registry(), kubeconfig=str(kubeconfig(tmp_path / "config", server, "kind")))
    assert text == (
        f"context kind: {server} does not accept this login (status {status}), which may have expired: "
        "log in again; nothing was changed"
    )


def test_a_cluster_that_is_not_well_is_told_as_that(registry: Write, tmp_path: Path) -> None:
    with api_server(503, "etcd is down") as server:
        text = refusal(registry(), kubeconfig=str(kubeconfig(tmp_path / "config", server, "kind")))
    assert text == (
        f"context kind: {server} answers with status 503: wait until it is well; nothing was changed"
    )


def test_a_login_that_may_see_little_is_let_in(registry: Write, tmp_path: Path) -> None:
    with api_server(403, 'forbidden: User "ada" cannot get path "/api"') as server:
        file = kubeconfig(tmp_path / "config", server, "kind")
        assert "Deployment line-loading-d1" in run_program(registry(), kubeconfig=str(file)).resources
