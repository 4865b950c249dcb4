"""Checks a stack against the platform of another stack that it uses, before anything is registered.

What the platform has to be is compared with what is in Kubernetes, so that neither the other stack's state
nor its file is read. Its Secret is the only one of these objects that a preview's login cannot read: the name
found by the last update holds then.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pulumi
from pydantic.alias_generators import to_camel

from bluegrid_components.checks.credentials import OUTPUT, fingerprint_of_secret
from bluegrid_components.kubernetes_api.api_server import ApiServerSilent, ClusterUnreachable
from bluegrid_components.pods import network_policy
from bluegrid_registry import contract
from bluegrid_registry.contract import SETTINGS
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from bluegrid_components.checks.stack_outputs import UpdateOutputs
    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs


class NoPlatform(ConfigError):  # noqa: N818 - named after the fault
    """The namespace does not have the platform yet."""


def shared_generation(
    config: ModelServicesArgs, outputs: UpdateOutputs, server: ApiServer | None
) -> str | None:
    """Return the suffix of the name of the platform's Secret with the store's credentials.

    Args:
        config: settings of the stack, which name the stack of the platform.
        outputs: hold what an earlier update found.
        server: API server of the stack's cluster; None if it cannot be reached: nothing is checked then.

    Returns:
        As `credentials.generation`. In a preview, None also if there is no platform yet.

    Raises:
        ConfigError: there is no platform, or it is not as this stack's settings need it.
        ClusterUnreachable: the API server has stopped answering.
    """
    owner = str(config.platform)
    if owner == pulumi.get_stack():
        raise ConfigError(
            f"{SETTINGS}:platform: {owner} is this stack; name another one, or let this stack make its own: "
            f"pulumi config rm --stack {owner} {SETTINGS}:platform"
        )
    if server is None:
        return _remembered(config, outputs)
    try:
        return _found(config, outputs, server, owner)
    except NoPlatform as error:
        if not pulumi.runtime.is_dry_run():
            raise
        pulumi.log.warn(str(error))
        return _remembered(config, outputs)
    except ApiServerSilent as error:
        raise ClusterUnreachable(f"context {config.kube_context}: {error}; nothing was changed") from None


def _found(config: ModelServicesArgs, outputs: UpdateOutputs, server: ApiServer, owner: str) -> str | None:
    _require_policy(config, server, owner)
    if not (config.store_access_key or config.store_ca):
        return None
    mark = config.store_mark
    status, _ = server.get(_secret_path(config, mark))
    if status == HTTPStatus.FORBIDDEN:
        return _remembered(config, outputs)
    first = fingerprint_of_secret(config, server) or ""
    if status != HTTPStatus.OK and first != mark:
        stack = pulumi.get_stack()
        raise ConfigError(
            f"{SETTINGS}:storeAccessKey, storeSecretKey, storeCaBundle or routeKey is not as in stack "
            f"{owner}: namespace {config.namespace} has no Secret with these keys; `pulumi up --stack "
            f"{owner}` makes one of new keys; to take them from there: pulumi config cp "
            f"{SETTINGS}:storeAccessKey --stack {owner} --dest {stack}, and the same with the others"
        )
    outputs.put(OUTPUT, first)
    return None if first == mark else mark


def _remembered(config: ModelServicesArgs, outputs: UpdateOutputs) -> str | None:
    mark = config.store_mark
    return None if outputs.get(OUTPUT) in (None, mark) else mark


def _secret_path(config: ModelServicesArgs, generation: str) -> str:
    return f"/api/v1/namespaces/{config.namespace}/secrets/{contract.store_secret(generation)}"


def _require_policy(config: ModelServicesArgs, server: ApiServer, owner: str) -> None:
    """Refuse a namespace whose network policy does not let pods reach this stack's store."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{config.namespace}/networkpolicies/{contract.MANAGER}"
    status, body = server.get(path)
    if status == HTTPStatus.NOT_FOUND:
        raise NoPlatform(
            f"{SETTINGS}:platform: namespace {config.namespace} has no platform of stack {owner}: `pulumi up "
            f"--stack {owner}` makes it; if it is in another namespace, set {SETTINGS}:namespace as there"
        )
    if status != HTTPStatus.OK:
        pulumi.log.warn(f"whether stack {owner} has the same store is not known: {path}: status {status}")
        return
    there = (json.loads(body).get("spec") or {}).get("egress") or []
    needed = network_policy.policy(config.store, with_identity=config.store_access_key is None)["egress"]
    if not all(rule in there for rule in _as_in_kubernetes(needed)):
        raise ConfigError(
            f"{SETTINGS}:store: {config.store}: the network policy of namespace {config.namespace} does not "
            f"let pods read it as this stack's settings need it; set store and keys as in stack {owner}, or "
            f"update that first: pulumi up --stack {owner}"
        )


def _as_in_kubernetes(value: Any) -> Any:
    """Return a value of Pulumi's Kubernetes package with the keys of the API."""
    if isinstance(value, dict):
        return {to_camel(str(key)): _as_in_kubernetes(each) for key, each in value.items()}
    return [*map(_as_in_kubernetes, value)] if isinstance(value, list) else value
