"""Metrics for Prometheus, on a separate port, which no Ingress leads to.

Labels are the set and its version, never the model: thousands of models would be thousands of time series.
The metrics have the names of MLServer's.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from http.server import HTTPServer

    from bluegrid_server.settings import Settings

_LABELS = ("model_set", "set_version")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


OTHER = "other"
"""Label of all fallback models that the plug-in has not declared, so that the number of series is bounded."""


class Metrics:
    """Metrics of a pod.

    Args:
        settings: of the pod.
        fallbacks: names of the fallback models that may answer in place of the set's models.

    Attributes:
        succeeded: inference requests that were answered.
        seconds: how long inference requests took.
    """

    def __init__(self, settings: Settings, fallbacks: Sequence[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._labels = labels = (settings.set, settings.version)
        self.succeeded = Counter(
            "model_infer_request_success",
            "Inference requests that were answered.",
            _LABELS,
            registry=self.registry,
        ).labels(*labels)
        self._non_finite = Counter(
            "model_infer_non_finite_values",
            "Values in the outputs of models that are not finite, such as NaN.",
            _LABELS,
            registry=self.registry,
        ).labels(*labels)
        self._fallbacks = Counter(
            "model_infer_fallbacks",
            "Answers of fallback models, by their names.",
            (*_LABELS, "fallback"),
            registry=self.registry,
        )
        self._declared = frozenset(fallbacks)
        for name in fallbacks:
            # From the start, because for Prometheus a counter that begins with 1 has not increased.
            self._fallbacks.labels(*labels, name)
        self._failed = Counter(
            "model_infer_request_failure",
            "Inference requests that were refused or failed.",
            (*_LABELS, "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "model_infer_request_duration_seconds",
            "Seconds from an inference request to the end of its answer.",
            _LABELS,
            registry=self.registry,
            buckets=_SECONDS,
        ).labels(*labels)
        self._loaded = self._gauge("models_loaded", "Models in memory.")
        self._expected = self._gauge("models_expected", "Models of the version, as far as that is known yet.")

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(name, help_text, _LABELS, registry=self.registry).labels(*self._labels)

    def answered(self, status: int, seconds: float) -> None:
        """Count an inference request."""
        self.seconds.observe(seconds)
        if status < 400:
            self.succeeded.inc()
        else:
            self._failed.labels(*self._labels, str(status)).inc()

    def remarked(self, non_finite: int, fallbacks: Mapping[str, int]) -> None:
        """Count values that are not finite, and answers of fallback models by their names."""
        self._non_finite.inc(non_finite)
        for name, count in fallbacks.items():
            label = name if name in self._declared else OTHER
            self._fallbacks.labels(*self._labels, label).inc(count)

    def watch(self, loaded: Callable[[], int], expected: Callable[[], int]) -> None:
        """Set the functions that each scrape calls: models loaded, and models of the version."""
        self._loaded.set_function(loaded)
        self._expected.set_function(expected)

    def listen(self, port: int) -> HTTPServer:
        """Serve `GET /metrics` on this port, in a thread that ends with the process or with the server."""
        host = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - only the pod's network
        return start_http_server(port, host, self.registry)[0]
