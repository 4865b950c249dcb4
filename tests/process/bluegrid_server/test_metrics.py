"""Metrics as a scraper reads them."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from bluegrid_server.metrics import Metrics

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


@pytest.fixture
def metrics(settings: Settings) -> Metrics:
    return Metrics(settings)


def test_metrics_have_a_port_of_their_own(metrics: Metrics) -> None:
    server = metrics.listen(0)
    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert b"models_loaded" in answer.read()
    finally:
        server.shutdown()
        server.server_close()
