"""Names the Secret of the store's credentials: new credentials get a new name.

A Secret that changes in place restarts no pod, so no pod proves the new keys: wrong keys would show only when
a pod restarts. A new name changes the pod template. So each cluster's preflight fetches its version with the
new keys, then its pods are replaced one by one, and the old Secret is deleted last.
"""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.fingerprint import fingerprint
from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_registry import contract
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs

OUTPUT = "storeAccount"


def generation(config: ModelServicesArgs, outputs: UpdateOutputs, server: ApiServer | None) -> str | None:
    """Return the suffix of the name of the Secret with the stack's credentials.

    Args:
        config: settings of the stack, with the credentials.
        outputs: hold the fingerprint of the stack's first credentials.
        server: API server of the stack's cluster; None if it cannot be reached.

    Returns:
        None for the first credentials of the stack: states of earlier releases have these in a Secret without
        a suffix.
    """
    mark, first = config.store_mark, outputs.get(OUTPUT)
    if first is None:
        first = (server and fingerprint_of_secret(config, server)) or mark
        outputs.put(OUTPUT, first)
    return None if first == mark else mark


def require_secret(config: ModelServicesArgs, store_generation: str | None, server: ApiServer | None) -> None:
    """Refuse an update of some services whose pods would name a Secret that only a whole update makes.

    Args:
        config: settings of the stack, with the credentials.
        store_generation: suffix of the Secret's name.
        server: API server of the stack's cluster; None if it cannot be reached: nothing is checked then.

    Raises:
        ConfigError: the Secret does not exist.
    """
    if server is None or not (config.store_access_key or config.store_ca):
        return
    name = contract.store_secret(store_generation)
    try:
        status, _ = server.get(f"/api/v1/namespaces/{config.namespace}/secrets/{name}")
    except ApiServerSilent:
        return
    if status == HTTPStatus.NOT_FOUND:
        raise ConfigError(
            f"bluegrid:storeAccessKey, storeSecretKey or storeCaBundle has changed, and {config.namespace} "
            f"has no Secret {name}: an update of some services does not make it; run `pulumi up --stack "
            f"{pulumi.get_stack()}` once"
        )


def fingerprint_of_secret(config: ModelServicesArgs, server: ApiServer) -> str | None:
    """Return the fingerprint of the Secret without a suffix, as it is in Kubernetes; None if unknown.

    A release that kept no fingerprint has made it, or another stack.
    """
    try:
        path = f"/api/v1/namespaces/{config.namespace}/secrets/{contract.STORE_SECRET}"
        status, body = server.get(path)
    except ApiServerSilent:
        return None
    data = json.loads(body).get("data") if status == HTTPStatus.OK else None
    if not data:
        return None
    names = (*contract.STORE_KEYS, contract.STORE_CA)
    values = (base64.b64decode(data.get(name, "")).decode(errors="replace") for name in names)
    return fingerprint(config.route_key.get_secret_value(), *values)
