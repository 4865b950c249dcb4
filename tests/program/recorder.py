"""Runs the real `__main__.py` without an engine and records what it registers, options included."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import runpy
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack
from ruamel.yaml import YAML

from tests.program.cluster import api_server, kubeconfig
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

OURS = "bluegrid"
"""The name of this project."""

SECRETS = {"storeAccessKey": "reader", "storeSecretKey": "swordfish", "routeKey": "only the stack knows"}
SETTINGS = {
    "kubeContext": "kind",
    "store": "s3://models/bluegrid?endpoint=http://10.0.0.1:7070",
    "image": "localhost/model-server@sha256:00",
    "ingressClass": "contour",
    "routeAddress": "http://10.77.0.2",
}
ENGINE = logging.getLogger("engine")
"""What is registered with the engine."""


@dataclass(frozen=True)
class Registered:
    """One resource, as it is registered with the engine."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    secrets: frozenset[str]
    dependencies: frozenset[str]
    timeouts: tuple[str, str]
    hooks: Mapping[str, tuple[str, ...]]
    ignored: frozenset[str]

    @property
    def key(self) -> str:
        """Kind and name, such as `Deployment line-loading-d1`."""
        return f"{self.type.rpartition(':')[2]} {self.name}"


class Plan:
    """All that one run of the program registered."""

    def __init__(self, resources: Sequence[Registered], outputs: Mapping[str, Any]) -> None:
        self.resources = {each.key: each for each in resources}
        self.outputs = outputs
        assert len(self.resources) == len(resources), "two resources of one kind have the same name"

    def __getitem__(self, key: str) -> Registered:
        return self.resources[key]

    def objects(self) -> list[Registered]:
        """Those that are objects in Kubernetes."""
        return [each for each in self.resources.values() if each.type.startswith("kubernetes:")]

    def before(self, key: str) -> set[str]:
        """All that has to be good before this resource is touched."""
        by_urn = {each.urn: each.key for each in self.resources.values()}
        found: set[str] = set()
        waiting = {key}
        while waiting:
            direct = {by_urn[urn] for urn in self[waiting.pop()].dependencies} - found
            found |= direct
            waiting |= direct
        return found


class _Monitor(mocks.MockMonitor):
    """An engine that agrees to everything. The SDK's own mock shows neither dependencies nor hooks."""

    def __init__(self, outputs: Mapping[str, Any], made: Sequence[str]) -> None:
        super().__init__(mocks=None)  # type: ignore[arg-type]
        self.registered: list[Registered] = []
        self.outputs = outputs
        self._made = {
            self.make_urn("", *each.split("::")): {"type": each.partition("::")[0]} for each in made
        }

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does: the SDK's mock leaves out the types around the parent."""
        around = parent.split("::")[2] if parent else ""
        types = type_ if around in ("", "pulumi:pulumi:Stack") else f"{around}${type_}"
        return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{types}::{name}"

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - named by the protocol
        answers = {
            "pulumi:pulumi:getResource": {"state": dict(self.outputs)},
            "pulumi:pulumi:readStackOutputs": {"outputs": dict(self.outputs)},
            "pulumi:pulumi:readStackResourceOutputs": {"outputs": self._made},
        }
        found = json_format.ParseDict(answers[request.tok], struct_pb2.Struct())
        return resource_pb2.ResourceInvokeResponse(**{"return": found})

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - named by the protocol
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type != "pulumi:pulumi:Stack":
            self.registered.append(_registered(urn, request))
        made = request.object
        if request.type == "kubernetes:core/v1:Service":
            made = struct_pb2.Struct()
            made.CopyFrom(request.object)
            made.fields["spec"].struct_value["clusterIP"] = f"ip-of-{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=request.name, object=made)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - named by the protocol
        if "pulumi:pulumi:Stack" in request.urn.split("::"):
            self.outputs = json_format.MessageToDict(request.outputs)
        return empty_pb2.Empty()


def _registered(urn: str, request: Any) -> Registered:
    secrets: set[str] = set()
    hooks = {field.name: tuple(names) for field, names in request.hooks.ListFields()}
    return Registered(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=_plain(json_format.MessageToDict(request.object), "", secrets),
        secrets=frozenset(secrets),
        dependencies=frozenset(request.dependencies),
        timeouts=(request.customTimeouts.create, request.customTimeouts.update),
        hooks=hooks,
        ignored=frozenset(request.ignoreChanges),
    )


def _plain(value: Any, path: str, secrets: set[str]) -> Any:
    """The value without the marks of secrets, whose paths go into `secrets`."""
    if rpc.is_rpc_secret(value):
        secrets.add(path)
        return _plain(value["value"], path, secrets)
    if isinstance(value, dict):
        return {key: _plain(each, f"{path}.{key}".lstrip("."), secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, f"{path}[{index}]", secrets) for index, each in enumerate(value)]
    return value


def run_program(registry: Path, stack: str = "demo", **changed: str) -> Plan:
    """Run the program with the config's defaults, `SETTINGS` and `SECRETS`, and what is `changed` of them."""
    return run_update(registry, changed, stack=stack)


def run_update(
    registry: Path,
    changed: Mapping[str, str] | None = None,
    *,
    stack: str = "demo",
    last: Mapping[str, Any] | None = None,
    preview: bool = False,
    in_clear: Sequence[str] = (),
    project: str = OURS,
    program: Callable[[], None] | None = None,
    made: Sequence[str] = (),
) -> Plan:
    """Run the program as `run_program` does, after an update that has left these outputs.

    Args:
        registry: folder of the registry's files.
        changed: settings that are not as `run_program` has them.
        stack: its name.
        last: outputs; None: there was no update.
        preview: whether it is a preview's run.
        in_clear: secrets that the stack's file does not encrypt.
        project: its name; another one's file declares no settings, and has no defaults of them.
        program: another one than this project's.
        made: resources in the state, as `type::name`, where the program looks for them.
    """
    defaults: Mapping[str, str] = declared_defaults() if project == OURS else {}
    values = {**defaults, **SETTINGS, **SECRETS, "registry": str(registry), **(changed or {})}
    monitor = _Monitor(last or {}, made)
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),  # type: ignore[no-untyped-call]
            engine=mocks.MockEngine(logger=ENGINE),
            project=project,
            stack=stack,
            dry_run=preview,
            organization=None,
            callbacks=None,
        )
    )
    secret_keys = [f"bluegrid:{key}" for key in SECRETS if key not in in_clear]
    set_all_config({f"bluegrid:{key}": value for key, value in values.items()}, secret_keys)
    collector = gc.get_threshold()
    with _reached(), patch.object(pulumi.log, "debug", pulumi.log.debug):
        asyncio.run(run_in_stack(program or _program))
    gc.unfreeze()
    gc.set_threshold(*collector)
    return Plan(monitor.registered, monitor.outputs)


@cache
def declared_defaults() -> Mapping[str, str]:
    """Return the defaults that `Pulumi.yaml` declares, as the Pulumi CLI hands them to the program."""
    declared = YAML(typ="safe").load(CHECKOUT / "Pulumi.yaml")["config"]
    return {key: str(each["default"]) for key, each in declared.items() if "default" in each}


@contextmanager
def _reached() -> Iterator[None]:
    """Have the context of `SETTINGS` lead to a cluster that answers, where KUBECONFIG names no file."""
    if "KUBECONFIG" in os.environ:
        yield
        return
    with TemporaryDirectory() as folder, api_server() as server:
        file = kubeconfig(Path(folder, "config"), server, SETTINGS["kubeContext"])
        with patch.dict(os.environ, KUBECONFIG=str(file)):
            yield


def _program() -> None:
    runpy.run_path(str(CHECKOUT / "__main__.py"), run_name="__main__")
