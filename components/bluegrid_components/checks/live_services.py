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
from bluegrid_registry.contract import SETTINGS
from bluegrid_registry.errors import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs
    from bluegrid_components.proofs.neighbours import Neighbours

OUTPUT = "urls"
_PLATFORM = "bluegrid:serving:Platform"
_SERVICE = "bluegrid:serving:ModelService"
_ROUTES = (
    "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}",
    "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}",
)


class LiveServiceGoes(BluegridError):  # noqa: N818 - named after the fault
    """A live service is no longer declared."""


def keep_services(
    server: ApiServer | None,
    config: ModelServicesArgs,
    offered: Collection[str],
    outputs: UpdateOutputs,
    neighbours: Neighbours,
) -> dict[str, str]:
    """Refuse to delete services that are live; a preview only warns.

    Args:
        server: API server of the stack's cluster; None if it cannot be reached: all services with a URL then
            count as live.
        config: settings of the stack.
        offered: names of the declared services.
        outputs: hold the URLs of the services since the last update.
        neighbours: the other stacks of the namespace, to and from which services may have moved.

    Returns:
        The URLs of services that stay though the program does not register them: an update of named resources
        deletes no service, and an update of some services none of the others.

    Raises:
        LiveServiceGoes: a live service is not declared, its deletion is not allowed, and this is not a
            preview.
        ConfigError: the stack is to use another one's platform, and has made the namespace.
    """
    others = {name: url for name, url in (outputs.get(OUTPUT) or {}).items() if name not in offered}
    if is_partial():
        return others
    updated = updated_services()
    kept = {} if updated is None else {name: url for name, url in others.items() if name not in updated}
    gone = frozenset(others) - frozenset(kept)
    if neighbours.are_there:
        gone = _in_state(gone, config, offered, outputs, updated)
    allowed = re.split(r"[\s,]+", os.environ.get(contract.ALLOW_DELETE, ""))
    deleted = [
        name
        for name in sorted(gone)
        if name not in allowed and not _was_never_live(server, config.namespace, name)
    ]
    if deleted:
        fault = _fault(
            deleted, config, is_last=updated is None and not offered, are_shared=neighbours.are_there
        )
        if not pulumi.runtime.is_dry_run():
            raise LiveServiceGoes(fault)
        pulumi.log.warn(fault)
    return kept


def _in_state(
    gone: frozenset[str],
    config: ModelServicesArgs,
    offered: Collection[str],
    outputs: UpdateOutputs,
    updated: frozenset[str] | None,
) -> frozenset[str]:
    """Return the services that are not declared any more and that the state has.

    A service moves between two stacks by their states (`pulumi state move`). The outputs of both stacks are
    those of their last update: one still has its URL, the other has none yet.
    """
    if config.platform is None and not gone:
        # The state of this stack may be large, and nothing is deleted that its outputs know.
        return gone
    if config.platform is not None and outputs.made(_PLATFORM):
        raise ConfigError(
            f"{SETTINGS}:platform: stack {pulumi.get_stack()} has made namespace {config.namespace} itself, "
            f"and would delete it: pulumi config rm --stack {pulumi.get_stack()} {SETTINGS}:platform"
        )
    undeclared = outputs.made(_SERVICE) - frozenset(offered)
    return undeclared if updated is None else undeclared & updated


def _fault(deleted: list[str], config: ModelServicesArgs, *, is_last: bool, are_shared: bool) -> str:
    names, (verb, them) = " and ".join(deleted), ("is", "it") if len(deleted) == 1 else ("are", "them")
    place = "no service" if is_last else "no such service"
    where = "; see that bluegrid:region is right" if is_last else ""
    move = f"bluegrid stack move {' '.join(deleted)} --stack {pulumi.get_stack()} --dest STACK"
    moved = f", move {them} to the stack that declares {them}: {move}" if are_shared else ""
    return (
        f"{names} {verb} live and would be deleted: {config.registry} has {place} in {config.region}{where}; "
        f"take {them} back into the registry (clients get 404 otherwise){moved}, or allow it: "
        f"{contract.ALLOW_DELETE}={','.join(deleted)} pulumi up"
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
