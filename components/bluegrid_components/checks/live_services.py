"""Refuses an update that deletes a live service, unless it is allowed by name.

What was online is known from the URLs that the last update has left. A rename is a deletion too: clients of
the old URL get 404.
"""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_components.partial_update import is_partial
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_components.checks.stack_outputs import StackOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs

OUTPUT = "urls"
_ROUTES = (
    "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}",
    "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}",
)


class LiveServiceGoes(BluegridError):  # noqa: N818 - that it does is the fault
    """A live service is not declared any more."""


def keep_services(
    server: ApiServer | None, config: ModelServicesArgs, offered: Collection[str], outputs: StackOutputs
) -> dict[str, str]:
    """Refuse to delete services that are live; a preview only warns.

    Args:
        server: of the stack's cluster; None: it is not reached, and what was online counts as live.
        config: of the stack.
        offered: names of the services that are declared.
        outputs: where the last update has left the URLs of its services.

    Returns:
        The URLs of services that stay though this checkout does not declare them: an update of named targets
        deletes none.

    Raises:
        LiveServiceGoes: one is not declared, nobody allows its end, and this is no preview.
    """
    left = {name: url for name, url in (outputs.get(OUTPUT) or {}).items() if name not in offered}
    if is_partial():
        return left
    allowed = re.split(r"[\s,]+", os.environ.get(contract.ALLOW_DELETE, ""))
    going = [
        name
        for name in sorted(left)
        if name not in allowed and not _was_never_live(server, config.namespace, name)
    ]
    if going:
        fault = _fault(going, config, is_last=not offered)
        if not pulumi.runtime.is_dry_run():
            raise LiveServiceGoes(fault)
        pulumi.log.warn(fault)
    return {}


def _fault(going: list[str], config: ModelServicesArgs, *, is_last: bool) -> str:
    names, is_one = " and ".join(going), len(going) == 1
    place = "no service" if is_last else "no such service"
    where = "; see that bluegrid:region is right" if is_last else ""
    return (
        f"{names} {'is' if is_one else 'are'} live and would be deleted: {config.registry} has {place} in "
        f"{config.region}{where}; take {'it' if is_one else 'them'} back into the registry (clients get 404 "
        f"otherwise), or allow it: {contract.ALLOW_DELETE}={','.join(going)} pulumi up"
    )


def _was_never_live(server: ApiServer | None, namespace: str, name: str) -> bool:
    """Whether no route leads to a service: the update that was to bring it online has failed."""
    if server is None:
        return False
    paths = ("/api/v1/namespaces/{namespace}", *_ROUTES)
    try:
        found = [server.get(path.format(namespace=namespace, name=name))[0] for path in paths]
    except ApiServerSilent:
        return False
    # Of a namespace that is not there yet the routes are in another one.
    return found == [HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND]
