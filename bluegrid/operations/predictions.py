"""Predictions of one cluster, live or standby, through the API server: nothing has to be exposed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bluegrid.operations.api import OURS, KubernetesError
from bluegrid.operations.missing import nothing_runs
from bluegrid.operations.pods import pod_status, utc_now
from bluegrid.operations.routes import ask_live_clusters
from bluegrid_registry import RegistryError
from bluegrid_registry.contract import LABEL, PORT, service_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid.operations.api import Namespace

ANSWER_SECONDS = 30.0
"""How long a prediction may take; the pod gives up earlier."""


@dataclass(frozen=True)
class ClusterClient:
    """Sends requests to the ready pods of one cluster.

    Attributes:
        namespace: of the stack.
        service, cluster: name of the service, and ID of the cluster.
        pods: names of the ready pods.
    """

    namespace: Namespace
    service: str
    cluster: str
    pods: Sequence[str]

    @classmethod
    def of(cls, namespace: Namespace, service: str, cluster: str | None = None) -> ClusterClient:
        """Find a cluster's pods.

        Args:
            namespace: where the service runs.
            service: name of the service.
            cluster: one of its clusters; None: the live one.

        Raises:
            RegistryError: there is no such cluster here, or no cluster is live.
            KubernetesError: none of its pods is ready, or the API server does not answer.
        """
        selector = f"{OURS},{LABEL}/service={service}"
        deployments = namespace.objects("apis/apps/v1/deployments", selector)
        known = sorted({each["metadata"]["labels"][f"{LABEL}/cluster"] for each in deployments})
        if not known or (cluster is not None and cluster not in known):
            raise nothing_runs(namespace, service, cluster)
        named = cluster or next(iter(ask_live_clusters(namespace, service)), "")
        if named not in known:
            where = f"in namespace {namespace.name} of {namespace.context}"
            live = f"its live cluster {named} does not run" if named else "no cluster of it is live"
            raise RegistryError(f"service {service}: {live} {where}; clusters there: {', '.join(known)}")
        pods = namespace.objects("api/v1/pods", f"app={service}-{named}")
        statuses = [pod_status(pod, utc_now()) for pod in pods]
        ready = [pod.name for pod in statuses if pod.ready and pod.state == "Running"]
        if not ready:
            why = f"no pod of cluster {named} is ready"
            raise KubernetesError(f"{service}: {why}; see `bluegrid status {service} {named}`")
        return cls(namespace, service, named, ready)

    def predict(self, model: str, instances: Any, turn: int = 0, *, outputs: Any = None) -> Prediction:
        """Request predictions from a model.

        Args:
            model: UID of the model.
            instances: rows of features, as `POST predict` takes them.
            turn: number of this request; pods are used in turn.
            outputs: names of the outputs to return; None: as the set says.

        Raises:
            KubernetesError: the pod or the API server does not answer.
        """
        return self._ask("predict", rows_of(model, instances, outputs), turn)

    def infer(self, model: str, request: Mapping[str, Any], turn: int = 0) -> Prediction:
        """Send a request of the Open Inference Protocol to a model; its predictions are data by output.

        Args:
            model: UID of the model.
            request: its `inputs`, and perhaps the names of `outputs`.
            turn: number of this request; pods are used in turn.

        Raises:
            KubernetesError: the pod or the API server does not answer.
        """
        # A batch of one: not every proxy keeps a UID with `/` in a path.
        batch = {"requests": [{**request, "model_name": model}]}
        return self._ask("v2/models:batchInfer", batch, turn)

    def _ask(self, path: str, body: Mapping[str, Any], turn: int) -> Prediction:
        pod = self.pods[turn % len(self.pods)]
        began = time.perf_counter()
        answer = self.namespace.ask(
            pod, PORT, f"{service_path(self.service)}/{path}", body, seconds=ANSWER_SECONDS
        )
        return prediction_of(
            answer.body,
            answer.status,
            cluster=self.cluster,
            version=answer.headers.get("Bluegrid-Version", ""),
            pod=pod,
            seconds=time.perf_counter() - began,
        )


def rows_of(model: str, instances: Any, outputs: Any = None) -> Mapping[str, Any]:
    """Return the body of `POST predict`; arguments as of `ClusterClient.predict`."""
    body = {"model": model, "instances": instances}
    return body if outputs is None else {**body, "outputs": outputs}


def prediction_of(
    body: bytes, status: int, *, cluster: str, version: str, pod: str, seconds: float
) -> Prediction:
    """Return the prediction in an answer in the simple form, or to a batch of one.

    Args:
        body: of the answer.
        status: of the answer, by HTTP.
        cluster: ID of the cluster that answered.
        version: ID of its version.
        pod: its pod.
        seconds: duration of the request.
    """
    try:
        document = json.loads(body)
        [document] = document.get("responses", [document])
        fault = document.get("error", None if status < 400 else f"status {status}")
        predictions = _predictions(document)
    except (ValueError, AttributeError):
        fault, predictions, document = f"status {status}, and no JSON object with one response", None, {}
        if status == HTTPStatus.NOT_FOUND:
            # Of a proxy: pods answer in JSON, whatever they are asked.
            fault = "status 404: no service answers at this path; check the host and the service's name"
    error = None if fault is None else str(fault)
    return Prediction(cluster, version, pod, seconds, predictions, error, _fallback(document))


def _predictions(document: Mapping[str, Any]) -> Any:
    """Return the predictions of an answer in the simple form, or the data of each output by name."""
    if "outputs" in document:
        return {output["name"]: output["data"] for output in document["outputs"]}
    return document.get("predictions")


def _fallback(document: Mapping[str, Any]) -> str | None:
    """Return the name of the fallback model that an answer names, in either form; None: it names none."""
    parameters = document.get("parameters", document)
    fallback = parameters.get("fallback") if isinstance(parameters, dict) else None
    return None if fallback is None else str(fallback)


@dataclass(frozen=True)
class Prediction:
    """The answer of a pod.

    Attributes:
        cluster, version, pod: origin of the answer; empty: not known.
        seconds: duration of the request.
        predictions: a list, or a list for each output by name; None: there are none.
        error: why there are no predictions; None: there are.
        fallback: name of the fallback model that gave the predictions; None: the model gave them.
    """

    cluster: str
    version: str
    pod: str
    seconds: float
    predictions: Any
    error: str | None
    fallback: str | None = None

    @property
    def text(self) -> str:
        """The predictions as JSON for people: words as they are, on one line."""
        written = json.dumps(self.predictions, ensure_ascii=False)
        return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)
