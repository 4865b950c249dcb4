"""Predictions of a service by its URL: of a server on this machine, or through the proxy of a cluster."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions

from bluegrid.operations.predictions import ANSWER_SECONDS, Prediction, prediction_of, rows_of
from bluegrid_registry import BluegridError, ConfigError
from bluegrid_registry.contract import service_path
from bluegrid_registry.route_client import trusted_cas, why_silent

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXAMPLE = f"http://127.0.0.1:12345{service_path('line-loading')}"


@dataclass(frozen=True)
class ServiceUrl:
    """Sends requests to one service.

    Attributes:
        url: of the service, such as http://127.0.0.1:12345/modelService/line-loading.
    """

    url: str

    @classmethod
    def of(cls, url: str) -> ServiceUrl:
        """Return the client of a service; ConfigError if the URL cannot be that of one."""
        parts = urlsplit(url)
        is_service = parts.path.rstrip("/").rpartition("/")[0].endswith(service_path("").rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname or not is_service:
            raise ConfigError(f"--url {url}: is not the URL of a service; expected one such as {_EXAMPLE}")
        return cls(url.rstrip("/"))

    def predict(self, model: str, instances: Any, *, outputs: Any = None) -> Prediction:
        """Request predictions for rows from a model; errors as of `infer`."""
        return self._ask("predict", rows_of(model, instances, outputs))

    def infer(self, model: str, request: Mapping[str, Any]) -> Prediction:
        """Send a request of the Open Inference Protocol to a model; its predictions are data by output.

        Args:
            model: UID of the model.
            request: its `inputs`, and perhaps the names of `outputs`.

        Raises:
            BluegridError: nothing answers at the URL.
        """
        # A batch of one: not every proxy keeps a UID with `/` in a path.
        return self._ask("v2/models:batchInfer", {"requests": [{**request, "model_name": model}]})

    def get(self, path: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Return the document at a path below the service's; BluegridError if there is none."""
        answer = self._send("GET", path, None, seconds)
        try:
            return json.loads(answer.data)
        except ValueError:
            raise BluegridError(f"{self.url}/{path}: status {answer.status}, and no JSON") from None

    def _ask(self, path: str, body: Mapping[str, Any]) -> Prediction:
        began = time.perf_counter()
        answer = self._send("POST", path, json.dumps(body).encode(), ANSWER_SECONDS)
        return prediction_of(
            answer.data,
            answer.status,
            cluster=answer.headers.get("Bluegrid-Cluster", ""),
            version=answer.headers.get("Bluegrid-Version", ""),
            pod="",
            seconds=time.perf_counter() - began,
        )

    def _send(self, method: str, path: str, body: bytes | None, seconds: float) -> urllib3.BaseHTTPResponse:
        headers = {} if body is None else {"Content-Type": "application/json"}
        url = f"{self.url}/{path}"
        try:
            return self._pool.request(
                method, url, body=body, headers=headers, timeout=seconds, retries=False, redirect=False
            )
        except exceptions.HTTPError as error:
            remedy = "is the server up, and reachable from here?"
            raise BluegridError(f"{self.url}: {why_silent(error, seconds, remedy)}") from None

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        # Reading the CAs takes longer than a prediction.
        return urllib3.PoolManager(ssl_context=trusted_cas() if self.url.startswith("https:") else None)
