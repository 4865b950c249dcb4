"""Stacks whose state says that they are up, without a cluster."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from bluegrid_registry.contract import PORT, cluster_of_labels, service_path, standing_host
from tests.integration.pulumi.conftest import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.integration.pulumi.conftest import Engine

_PROVIDER = "6f1d1f9e-6f6b-4f3a-9d55-0f0f5d1c7a11"
"""An ID such as the engine gives to providers."""
_MADE = {"__fieldManager": "pulumi-kubernetes-1", "__initialApiVersion": "v1"}
_HIDDEN = "[secret]"
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
"""A secret in a state: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go"""


def import_as_made(engine: Engine, stack: str, folder: Path) -> None:
    """Import the resources that a preview plans to create into the stack's state."""
    planned = engine.preview(stack, "--json")
    assert planned.exit_code == 0, planned.stdout
    state = engine.require("stack", "export", "--stack", stack).json()
    state["deployment"]["resources"] = [_as_made(step["newState"]) for step in planned.json()["steps"]]
    file = folder / "state.json"
    file.write_text(json.dumps(state))
    engine.require("stack", "import", "--stack", stack, "--file", str(file))


def leave_outputs(engine: Engine, stack: str, folder: Path, outputs: Mapping[str, str]) -> None:
    """Set the outputs of the last update in the stack's state."""
    state = engine.require("stack", "export", "--stack", stack).json()
    (root,) = (each for each in state["deployment"]["resources"] if each["type"] == "pulumi:pulumi:Stack")
    root["outputs"] = dict(outputs)
    file = folder / "state.json"
    file.write_text(json.dumps(state))
    engine.require("stack", "import", "--stack", stack, "--file", str(file))


def _as_made(planned: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in planned.items() if key not in ("stackTrace", "sourcePosition")}
    if not made["custom"]:
        return made
    inputs = made["inputs"]
    if made["type"].startswith("pulumi:providers:"):
        shown = {key: value for key, value in inputs.items() if not key.startswith("__")}
        return made | {"id": _PROVIDER, "outputs": shown}
    inputs = _with_secrets(inputs)
    metadata = inputs["metadata"]
    return made | {
        "id": "/".join(filter(None, (metadata.get("namespace"), metadata["name"]))),
        "provider": f"{made['provider'].rpartition('::')[0]}::{_PROVIDER}",
        "inputs": inputs,
        "outputs": inputs | _MADE | {"__inputs": inputs},
    }


def _with_secrets(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Insert the values that a preview hides: the store's keys, and the host of a standing route."""
    if inputs.get("data") == _HIDDEN:
        keys = {"AWS_ACCESS_KEY_ID": "storeAccessKey", "AWS_SECRET_ACCESS_KEY": "storeSecretKey"}
        encoded = {name: base64.b64encode(SECRETS[key].encode()).decode() for name, key in keys.items()}
        return {**inputs, "data": _secret(encoded)}
    spec = inputs.get("spec", {})
    if _HIDDEN in (spec.get("rules"), spec.get("hostnames")):
        service, cluster = cluster_of_labels(inputs["metadata"]["labels"])
        host = standing_host(SECRETS["routeKey"], service, cluster, "standing.invalid")
        if inputs["kind"] == "HTTPRoute":
            return {**inputs, "spec": {**spec, "hostnames": _secret([host])}}
        backend = {"service": {"name": inputs["metadata"]["name"], "port": {"number": PORT}}}
        path = {"path": service_path(service), "pathType": "Prefix", "backend": backend}
        rule = {"host": host, "http": {"paths": [path]}}
        return {**inputs, "spec": {**spec, "rules": _secret([rule])}}
    return dict(inputs)


def _secret(value: Any) -> dict[str, str]:
    return {**_SECRET, "plaintext": json.dumps(value)}
