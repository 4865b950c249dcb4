"""The traces of a request: its ID, its trace context, its metrics, and a log line if it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from bluegrid_server.engine import inference
from bluegrid_server.http.instrumentation import COUNT, Observed
from bluegrid_server.http.routes import make_app
from bluegrid_server.metrics import Metrics
from bluegrid_server.protocol.remarks import Remarks
from tests.support.pods import BASE, Client, tensor

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from bluegrid_server.settings import Settings
    from tests.support.pods import InProcess

INFER = f"{BASE}/models/line-1/infer"
LABELS = 'model_set="g1",set_version="v1"'


@pytest.fixture
def metrics(settings: Settings) -> Metrics:
    return Metrics(settings)


@pytest.fixture
def observed(settings: Settings, models: InProcess, metrics: Metrics) -> Client:
    models.start()
    return Client(Observed(make_app(settings, models), metrics))


def message(metrics: Metrics) -> list[str]:
    return generate_latest(metrics.registry).decode().splitlines()


def test_requests_are_counted_by_set_and_version(observed: Client, metrics: Metrics) -> None:
    observed.post(INFER, json=tensor())
    observed.post(INFER, json=tensor())
    observed.post(INFER, json={})
    observed.get(f"{BASE}/health/live")
    metrics.watch(lambda: 3, lambda: 4)
    lines = message(metrics)
    assert f"model_infer_request_success_total{{{LABELS}}} 2.0" in lines
    assert f'model_infer_request_failure_total{{{LABELS},status="400"}} 1.0' in lines
    assert f"model_infer_request_duration_seconds_count{{{LABELS}}} 3.0" in lines
    assert f"models_loaded{{{LABELS}}} 3.0" in lines
    assert f"models_expected{{{LABELS}}} 4.0" in lines
    assert not [line for line in lines if "line-1" in line]


def test_remarks_in_headers_are_counted_once_and_names_that_are_not_declared_together(
    settings: Settings,
) -> None:
    metrics = Metrics(settings, fallbacks=("flatliner", "constant"))

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        headers = Remarks(3, {"flatliner": 2, "x": 1, "y": 1}).headers
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": b""})
        scope[COUNT](Remarks(1, {"flatliner": 4}).headers)

    Client(Observed(app, metrics)).post(INFER)
    counted = {
        labels["fallback"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        for labels in [sample.labels]
        if sample.name == "model_infer_fallbacks_total"
    }
    assert counted == {"flatliner": 6, "constant": 0, "other": 2}
    assert f"model_infer_non_finite_values_total{{{LABELS}}} 4.0" in message(metrics)


def test_an_answer_carries_the_requests_id_and_trace(observed: Client) -> None:
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=b"}
    got = observed.post(INFER, json=tensor(), headers={"X-Request-Id": "abc", **trace})
    assert got.headers["X-Request-Id"] == "abc"
    assert {name: got.headers[name] for name in trace} == trace
    ids = {observed.post(INFER, json=tensor()).headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_failure_is_logged_under_its_id(
    observed: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inference, "answer", None)
    got = observed.post(INFER, json=tensor(), headers={"X-Request-Id": b"abc\xe9"})
    assert got.status_code == 500
    assert "abc" in capsys.readouterr().out
