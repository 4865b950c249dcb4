"""Client of the API server; checks, before anything is registered, that the stack's cluster answers.

Pulumi's provider continues without a cluster: it reports unchanged resources as unchanged, and `pulumi up`
succeeds although no cluster was reached.
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
"""Timeouts of the API server, to accept a connection and to respond: a check, not a wait for its start."""
_ANONYMOUS = "system:anonymous"
"""User in Kubernetes' response if the credential plugin of the kubeconfig failed."""
_GIVE_UP = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Variable that makes Pulumi's provider drop the objects of an unreachable cluster from the state."""


class ClusterUnreachable(BluegridError):  # noqa: N818 - named after what happened
    """The API server does not answer, or rejects this login."""


class ApiServerSilent(Exception):  # noqa: N818 - named after what happened
    """The API server did not answer; the message has the reason and a command that shows more."""


class ApiServer:
    """The API server of a context in kubeconfigs.

    Args:
        context: name of the context.
        files: paths of the kubeconfigs, separated as in KUBECONFIG.

    Raises:
        ApiServerSilent: the kubeconfigs cannot be used.
    """

    def __init__(self, context: str, files: str) -> None:
        # Imported here, because this takes as long as the rest of this package together.
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
        """Return the status and the JSON body of a response.

        Raises:
            ApiServerSilent: the API server does not respond.
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
    """Refuse an update if the cluster cannot be reached; a preview, which needs no cluster, only warns.

    Args:
        context: name of the context in the kubeconfig.
        kubeconfig: path of the kubeconfig; None: where kubectl looks.

    Returns:
        The API server; None if it does not answer and the program continues without it.

    Raises:
        ConfigError: the kubeconfig does not have the context, or cannot be read.
        ClusterUnreachable: this is not a preview, and the cluster does not answer.
    """
    files = str(kubeconfig or os.environ.get("KUBECONFIG") or _DEFAULT)
    names = _contexts(files)
    if names and context not in names:
        raise ConfigError(
            f"bluegrid:kubeContext: {context} is not in the kubeconfig {files}, "
            f"which has {', '.join(names)}: "
            f"pulumi config set --stack {pulumi.get_stack()} bluegrid:kubeContext NAME"
        )
    server, fault = _connect(context, files, names)
    if fault is None:
        return server
    if pulumi.runtime.is_dry_run() or os.environ.get(_GIVE_UP) == "true":
        pulumi.log.warn(f"context {context}: {fault}; what follows is what the stack knows, not what runs")
        return None
    raise ClusterUnreachable(f"context {context}: {fault}; nothing was changed")


def _connect(context: str, files: str, names: Collection[str]) -> tuple[ApiServer | None, str | None]:
    """Return the API server, if the kubeconfigs can be used, and the fault, if there is one."""
    if not names:
        return None, f"{files} has no contexts: name a kubeconfig, by KUBECONFIG or bluegrid:kubeconfig"
    try:
        server = ApiServer(context, files)
    except ApiServerSilent as error:
        return None, str(error)
    return server, _fault(server)


def _contexts(files: str) -> list[str]:
    """Return the context names in kubeconfigs; as in kubectl, a missing file has none."""
    names: dict[str, None] = {}
    for file in files.split(os.pathsep):
        path = Path(file).expanduser()
        if file and path.is_file():
            try:
                document = YAML(typ="safe").load(path) or {}
                names |= dict.fromkeys(each["name"] for each in document.get("contexts") or ())
            except (OSError, UnicodeDecodeError, YAMLError, AttributeError, KeyError, TypeError):
                raise ConfigError(
                    f"{path}: is not a readable kubeconfig; see `kubectl config view`"
                ) from None
    return sorted(names)


def _fault(server: ApiServer) -> str | None:
    """Request a path that every login may read; return the fault and its remedy, or None."""
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
    # Any other status: the login is accepted, though it may have few permissions.
    return None
