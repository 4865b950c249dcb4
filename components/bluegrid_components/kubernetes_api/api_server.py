"""Whether the cluster that a stack names is there: asked before anything is registered.

Pulumi's provider goes on without a cluster. What has not changed is unchanged for it, and `pulumi up` ends
well though it has reached nobody.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid_registry.errors import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

_DEFAULT = "~/.kube/config"
_SECONDS = (5.0, 10.0)
"""In which the API server has to take a connection, and to answer: a look, and no wait for one that comes."""
_ANONYMOUS = "system:anonymous"
"""Whom Kubernetes sees where a program that fetches the login has failed."""
_GIVE_UP = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Variable by which Pulumi's provider forgets the objects of a cluster that is gone for good."""


class ClusterUnreachable(BluegridError):  # noqa: N818 - named after what happened
    """The API server does not answer, or not to this login."""


class ApiServerSilent(Exception):  # noqa: N818 - named after what happened
    """There was no answer; the message says why, and what shows more of it."""


class ApiServer:
    """An API server, as a context of kubeconfigs leads to it.

    Args:
        context: the context.
        files: the kubeconfigs, as in KUBECONFIG.

    Raises:
        ApiServerSilent: the kubeconfig does not lead there.
    """

    def __init__(self, context: str, files: str) -> None:
        # Here, because it takes as long to load as the rest of this package together.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        self._context, settings = context, client.Configuration()
        settings.retries = False
        try:
            config.load_kube_config(files, context=context, client_configuration=settings)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise ApiServerSilent(f"{str(error).splitlines()[0]}; see `kubectl config view`") from None
        self.host = settings.host
        self._client = client.ApiClient(settings)

    def get(self, path: str, **query: str) -> tuple[int, bytes]:
        """Return status and body of an answer, in JSON.

        Raises:
            ApiServerSilent: there is none.
        """
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        request = self._client.param_serialize(
            "GET",
            path,
            query_params=[*query.items()],
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*request, _request_timeout=_SECONDS)
            body: bytes = response.read()  # type: ignore[no-untyped-call]
        except (ApiException, HTTPError) as error:
            reason = str(getattr(error, "reason", error)).splitlines()[0]
            more = f"see `kubectl --context {self._context} version`"
            raise ApiServerSilent(f"{self.host} does not answer: {reason}; {more}") from None
        return response.status, body


def require_cluster(context: str, kubeconfig: Path | None) -> ApiServer | None:
    """Refuse an update of a cluster that is not reached; a preview, which needs none, has a warning.

    Args:
        context: of the kubeconfig.
        kubeconfig: its file; None: where kubectl looks.

    Returns:
        What answers; None: nothing does, and it goes on without.

    Raises:
        ConfigError: the kubeconfig has other contexts, or cannot be read.
        ClusterUnreachable: this is no preview, and the cluster does not answer.
    """
    files = str(kubeconfig or os.environ.get("KUBECONFIG") or _DEFAULT)
    names = _contexts(files)
    if names and context not in names:
        raise ConfigError(
            f"bluegrid:kubeContext: {context} is not in the kubeconfig {files}, "
            f"which has {', '.join(names)}: pulumi config set bluegrid:kubeContext NAME"
        )
    server, fault = _reached(context, files, names)
    if fault is None:
        return server
    if pulumi.runtime.is_dry_run() or os.environ.get(_GIVE_UP) == "true":
        pulumi.log.warn(f"context {context}: {fault}; what follows is what the stack knows, not what runs")
        return None
    raise ClusterUnreachable(f"context {context}: {fault}; nothing was changed")


def _reached(context: str, files: str, names: Collection[str]) -> tuple[ApiServer | None, str | None]:
    """Return what answers, or why nothing does."""
    if not names:
        return None, f"{files} has no contexts: name a kubeconfig, by KUBECONFIG or bluegrid:kubeconfig"
    try:
        server = ApiServer(context, files)
    except ApiServerSilent as error:
        return None, str(error)
    return server, _fault(server)


def _contexts(files: str) -> list[str]:
    """Return the names of the contexts in kubeconfigs; a file that is not there has none, as for kubectl."""
    names: dict[str, None] = {}
    for file in files.split(os.pathsep):
        path = Path(file).expanduser()
        if file and path.is_file():
            try:
                document = YAML(typ="safe").load(path) or {}
                names |= dict.fromkeys(each["name"] for each in document.get("contexts") or ())
            except (OSError, UnicodeDecodeError, YAMLError, AttributeError, KeyError, TypeError):
                raise ConfigError(
                    f"{path}: is no kubeconfig that can be read; see `kubectl config view`"
                ) from None
    return sorted(names)


def _fault(server: ApiServer) -> str | None:
    """Ask the API server for what every login may see; return what is wrong, and the remedy."""
    try:
        status, body = server.get("/api")
    except ApiServerSilent as error:
        return str(error)
    return _refusal(server.host, status, body.decode(errors="replace"))


def _refusal(host: str, status: int, body: str) -> str | None:
    is_anonymous = status == HTTPStatus.FORBIDDEN and _ANONYMOUS in body
    if status == HTTPStatus.UNAUTHORIZED or is_anonymous:
        return f"{host} does not accept this login (status {status}), which may have expired: log in again"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{host} answers with status {status}: wait until it is well"
    # Whoever may see nothing else has been let in.
    return None
