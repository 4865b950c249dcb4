"""Which Secret holds the store's credentials: others get a Secret of another name.

A Secret that changes in place restarts no pod and is proven by none: wrong keys would be found out by the
next pod that restarts. A new name changes the pods' template. So each cluster's preflight fetches its version
with the new keys, its pods are replaced one by one after that, and the old Secret goes last.
"""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid_components.fingerprint import fingerprint
from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_registry import contract

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import StackOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs

OUTPUT = "storeAccount"


def generation(config: ModelServicesArgs, outputs: StackOutputs, server: ApiServer | None) -> str | None:
    """Return what the name of the Secret with the stack's credentials ends in.

    Args:
        config: of the stack, with the credentials.
        outputs: where the fingerprint of the first ones is kept.
        server: of the stack's cluster; None: it is not reached.

    Returns:
        None for the credentials that the stack has begun with: states of earlier releases have them in a
        Secret of no such end.
    """
    mark, first = config.store_mark, outputs.get(OUTPUT)
    if first is None:
        first = _first_of(config, server) or mark
        outputs.put(OUTPUT, first)
    return None if first == mark else mark


def _first_of(config: ModelServicesArgs, server: ApiServer | None) -> str | None:
    """Return the fingerprint of what an earlier release, which kept none, has made; None: nobody can tell."""
    if server is None:
        return None
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
