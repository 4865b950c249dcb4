"""An update that would delete a live service is refused, unless allowed by name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pulumi
import pytest

from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import ENGINE, Plan, run_update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Write = Callable[..., Path]

URL, OLD = "http://10.77.0.2/modelService/line-loading", "http://10.77.0.2/modelService/line-load"
ONLINE = {"urls": {"line-load": OLD, "line-loading": URL}}
"""`line-load` is not declared by the registry of these tests any more."""


def refusal(folder: Path, changed: Mapping[str, str] | None = None) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run_update(folder, changed, last=ONLINE)
    return str(refused.value)


def urls(plan: Plan) -> object:
    return plan.outputs["urls"]


def test_a_service_that_is_not_declared_any_more_stays(registry: Write) -> None:
    folder = registry()
    assert refusal(folder) == (
        f"line-load is live and would be deleted: {folder} has no such service in demo; take it back into "
        "the registry (clients get 404 otherwise), or allow it: BLUEGRID_ALLOW_DELETE=line-load pulumi up"
    )


def test_a_region_keeps_its_services_where_it_is_named_wrongly(registry: Write) -> None:
    folder = registry(more="  regions: [north]")
    assert refusal(folder, {"region": "nroth"}) == (
        f"line-load and line-loading are live and would be deleted: {folder} has no service in nroth; see "
        "that bluegrid:region is right; take them back into the registry (clients get 404 otherwise), or "
        "allow it: BLUEGRID_ALLOW_DELETE=line-load,line-loading pulumi up"
    )


def test_it_goes_where_its_name_is_said_and_with_no_other_name(
    registry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry()
    monkeypatch.setenv("BLUEGRID_ALLOW_DELETE", "line-loading, bus-voltage")
    assert "line-load is live" in refusal(folder)
    monkeypatch.setenv("BLUEGRID_ALLOW_DELETE", "bus-voltage,line-load")
    assert urls(run_update(folder, last=ONLINE)) == {"line-loading": URL}


def test_a_preview_warns(registry: Write, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, ENGINE.name)
    plan = run_update(registry(), last=ONLINE, preview=True)
    assert "Deployment line-loading-d1" in plan.resources
    (warning,) = caplog.messages
    assert warning.startswith("line-load is live and would be deleted: ")


def test_an_update_of_named_targets_deletes_none_and_forgets_none(
    registry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGRID_PARTIAL_UPDATE", "1")
    assert urls(run_update(registry(), last=ONLINE)) == {"line-load": OLD, "line-loading": URL}


@pytest.mark.parametrize(
    ("missing", "is_refused"),
    [
        pytest.param(("/ingresses/", "/httproutes/"), False, id="no route leads to it"),
        pytest.param(("/httproutes/",), True, id="its Ingress is there"),
        pytest.param(("/namespaces/",), True, id="the namespace is another one"),
    ],
)
def test_a_service_that_has_never_come_online_is_taken_out_without_a_word(
    registry: Write, tmp_path: Path, missing: tuple[str, ...], is_refused: bool
) -> None:
    with api_server(missing=missing) as url:
        file = {"kubeconfig": str(kubeconfig(tmp_path / "config", url, "kind"))}
        if is_refused:
            assert "line-load is live" in refusal(registry(), file)
        else:
            assert urls(run_update(registry(), file, last=ONLINE)) == {"line-loading": URL}
