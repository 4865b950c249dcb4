"""Refuses an update that deletes a live service, unless the service is named as allowed.

The URLs in the stack's outputs show which services are online. A rename is also a deletion: clients of the
old URL get 404.
"""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_components.partial_update import is_partial, updated_services
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs

OUTPUT = "urls"
_ROUTES = (
    "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}",
    "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}",
)


class LiveServiceGoes(BluegridError):  # noqa: N818 - named after the fault
    """A live service is no longer declared."""


def keep_services(
    server: ApiServer | None, config: ModelServicesArgs, offered: Collection[str], outputs: UpdateOutputs
) -> dict[str, str]:
    """Refuse to delete services that are live; a preview only warns.

    Args:
        server: API server of the stack's cluster; None if it cannot be reached: all services with a URL then
            count as live.
        config: settings of the stack.
        offered: names of the declared services.
        outputs: hold the URLs of the services since the last update.

    Returns:
        The URLs of services that stay though the program does not register them: an update of named resources
        deletes no service, and an update of some services none of the others.

    Raises:
        LiveServiceGoes: a live service is not declared, its deletion is not allowed, and this is not a
            preview.
    """
    others = {name: url for name, url in (outputs.get(OUTPUT) or {}).items() if name not in offered}
    if is_partial():
        return others
    updated = updated_services()
    kept = {} if updated is None else {name: url for name, url in others.items() if name not in updated}
    allowed = re.split(r"[\s,]+", os.environ.get(contract.ALLOW_DELETE, ""))
    deleted = [
        name
        for name in sorted({*others} - {*kept})
        if name not in allowed and not _was_never_live(server, config.namespace, name)
    ]
    if deleted:
        fault = _fault(deleted, config, is_last=updated is None and not offered)
        if not pulumi.runtime.is_dry_run():
            raise LiveServiceGoes(fault)
        pulumi.log.warn(fault)
    return kept


def _fault(deleted: list[str], config: ModelServicesArgs, *, is_last: bool) -> str:
    names, is_one = " and ".join(deleted), len(deleted) == 1
    place = "no service" if is_last else "no such service"
    where = "; see that bluegrid:region is right" if is_last else ""
    return (
        f"{names} {'is' if is_one else 'are'} live and would be deleted: {config.registry} has {place} in "
        f"{config.region}{where}; take {'it' if is_one else 'them'} back into the registry (clients get 404 "
        f"otherwise), or allow it: {contract.ALLOW_DELETE}={','.join(deleted)} pulumi up"
    )


def _was_never_live(server: ApiServer | None, namespace: str, name: str) -> bool:
    """Return whether no route leads to a service: the update that should bring it online failed."""
    if server is None:
        return False
    paths = ("/api/v1/namespaces/{namespace}", *_ROUTES)
    try:
        statuses = [server.get(path.format(namespace=namespace, name=name))[0] for path in paths]
    except ApiServerSilent:
        return False
    # If the namespace does not exist yet, the routes are in another namespace.
    return statuses == [HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND]
