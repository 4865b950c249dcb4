"""One namespace of a Kubernetes cluster, read through its API server as the user in the kubeconfig.

Responses are the API's own JSON, not the client's classes, which take seconds for hundreds of pods.
Requests to pods go through the API server's proxy, so that nothing has to be exposed.
https://kubernetes.io/docs/concepts/cluster-administration/proxies/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bluegrid_registry import BluegridError
from bluegrid_registry.contract import MANAGED_BY, MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OURS = f"{MANAGED_BY}={MANAGER}"
"""Label selector of every object that bluegrid's program makes."""
AT_ONCE = 32
"""How many requests are sent at the same time."""
LIST_SECONDS = 10.0
PROXY_SECONDS = 3.0
"""How long a pod may take to answer a request for its state, in seconds."""

Object = dict[str, Any]
"""An object of Kubernetes, as its API's JSON."""


class KubernetesError(BluegridError):
    """The API server did not answer, or refused the request."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Status of the response; None: there was none."""

    @property
    def is_forbidden(self) -> bool:
        """Whether this login lacks the right."""
        return self.status == HTTPStatus.FORBIDDEN


@dataclass(frozen=True)
class PodAnswer:
    """A response of a pod, through the proxy."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Namespace:
    """A namespace, and the connection to its API server."""

    context: str
    name: str
    client: Any
    """`kubernetes.client.ApiClient`; it may be used from many threads."""

    @classmethod
    def connect(cls, context: str, name: str, kubeconfig: Path | None = None) -> Namespace:
        """Read the kubeconfig; no request is sent yet.

        Args:
            context: a context of the kubeconfig; the default one is never used.
            name: of the namespace.
            kubeconfig: its file; None: $KUBECONFIG, then ~/.kube/config.

        Raises:
            KubernetesError: the kubeconfig has no such context.
        """
        # Imported here, because loading it takes as long as all other commands together.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        settings: Any = client.Configuration()
        settings.connection_pool_maxsize = AT_ONCE
        settings.retries = False
        try:
            config.load_kube_config(
                kubeconfig and str(kubeconfig), context=context, client_configuration=settings
            )  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise _unusable(context, kubeconfig, error) from error
        return cls(context, name, client.ApiClient(settings))

    def require(self) -> None:
        """Raise KubernetesError if there is no such namespace, and name those in which services run."""
        try:
            self.get(f"/api/v1/namespaces/{self.name}")
        except KubernetesError as error:
            # Rights within a namespace do not include the right to read the namespace itself.
            if error.is_forbidden:
                return
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise KubernetesError(
                f"namespace {self.name}: not found in context {self.context}{self._others()}", error.status
            ) from None

    def _others(self) -> str:
        """Name the namespaces in which services run, as far as this login may list them."""
        try:
            deployments = self.get("/apis/apps/v1/deployments", {"labelSelector": OURS})["items"]
        except KubernetesError:
            return "; name the stack: --stack <name>"
        names = sorted({each["metadata"]["namespace"] for each in deployments})
        return f"; services run in {', '.join(names)}" if names else "; no service runs in any other"

    def objects(self, path: str, selector: str = OURS) -> list[Object]:
        """Return the objects of a kind that a selector matches.

        Args:
            path: API and kind, such as `apis/apps/v1/deployments`.
            selector: of labels; empty: all.
        """
        api, _, kind = path.rpartition("/")
        response = self.get(f"/{api}/namespaces/{self.name}/{kind}", {"labelSelector": selector})
        items: list[Object] = response["items"]
        return items

    def http_routes(self, selector: str = OURS) -> list[Object]:
        """Return the HTTPRoutes like `objects`; empty without Gateway API, or without the right to list them.

        Kubernetes' own role `view` includes Ingresses, and no HTTPRoutes: a login may have only that.
        """
        try:
            return self.objects("apis/gateway.networking.k8s.io/v1/httproutes", selector)
        except KubernetesError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                return []
            raise

    def autoscalers(self, selector: str = OURS) -> list[Object]:
        """Return the HorizontalPodAutoscalers like `objects`; empty without the right to list them."""
        try:
            return self.objects("apis/autoscaling/v2/horizontalpodautoscalers", selector)
        except KubernetesError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                return []
            raise

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the API server's JSON at `path`.

        Raises:
            KubernetesError: the API server does not answer, or refuses.
        """
        return self._document(self._request("GET", path, query), path)

    def review(self, verb: str, resource: str, group: str = "") -> bool:
        """Return whether this login may do this here; `resource` may be a subresource, such as pods/proxy."""
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        kind, _, subresource = resource.partition("/")
        attributes = {"namespace": self.name, "verb": verb, "group": group, "resource": kind}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": attributes | ({"subresource": subresource} if subresource else {})
            },
        }
        document = self._document(self._request("POST", path, body=body), path)
        return bool(document["status"]["allowed"])

    def ask(
        self,
        pod: str,
        port: int,
        path: str,
        body: Any = None,
        *,
        seconds: float = PROXY_SECONDS,
    ) -> PodAnswer:
        """Send a request to a pod: POST with a body, otherwise GET.

        Raises:
            KubernetesError: the API server or the pod does not answer, or this login may not reach pods.
        """
        where = f"/api/v1/namespaces/{self.name}/pods/{pod}:{port}/proxy/{path.lstrip('/')}"
        method = "GET" if body is None else "POST"
        response = self._request(method, where, body=body, seconds=seconds)
        answer = PodAnswer(response.status, response.headers, response.read())
        if _is_from_api_server(answer):
            raise self._refused(answer.status, answer.body, f"pod {pod}")
        return answer

    def stream(self, path: str, query: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines of a response that may never end.

        Raises:
            KubernetesError: the API server does not answer, or refuses.
        """
        response = self._request("GET", path, query, seconds=None)
        if response.status >= 400:
            raise self._refused(response.status, response.read(), path)
        rest = b""
        for chunk in response.response.stream(2**16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        seconds: float | None = LIST_SECONDS,
    ) -> Any:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        request = self.client.param_serialize(
            method,
            quote(path, safe="/:"),
            query_params=[*(query or {}).items()],
            header_params={"Accept": "*/*", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            return self.client.call_api(*request, _request_timeout=(LIST_SECONDS, seconds))
        except (ApiException, HTTPError) as error:
            raise _refusal(self.context, error) from error

    def _document(self, response: Any, what: str) -> Any:
        body = response.read()
        if response.status >= 400:
            raise self._refused(response.status, body, what)
        return json.loads(body)

    def _refused(self, status: int, body: bytes, what: str) -> KubernetesError:
        try:
            reason = str(json.loads(body)["message"])
        except (ValueError, KeyError, TypeError):
            reason = f"status {status}"
        return KubernetesError(f"context {self.context}: {what}: {' '.join(reason.split())}", status)


def _refusal(context: str, error: Exception) -> KubernetesError:
    reason = str(getattr(error, "reason", error)).splitlines()[0]
    return KubernetesError(f"context {context}: {reason}; see `kubectl config get-contexts`")


def _unusable(context: str, kubeconfig: Path | None, error: Exception) -> KubernetesError:
    """Return the error for a context that cannot be used; mostly its name is wrong."""
    from kubernetes.config import kube_config

    files = str(kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
    merged = kube_config.KubeConfigMerger(files).config  # type: ignore[no-untyped-call]
    names = sorted(each["name"] for each in (merged.value.get("contexts") if merged else None) or ())
    if not names or context in names:
        return _refusal(context, error)
    return KubernetesError(f"context {context}: not in the kubeconfig, which has {', '.join(names)}")


def _is_from_api_server(answer: PodAnswer) -> bool:
    """Whether the API server itself sent a response, and not a pod: pods never send a `Status`."""
    if answer.status < 400 or not answer.body.startswith(b"{"):
        return False
    try:
        return bool(json.loads(answer.body).get("kind") == "Status")
    except ValueError:
        return False
