"""Programs that use the package `bluegrid`, which Pulumi reads from its plugin."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from tests.integration.pulumi.elsewhere import HOST, REGISTRY, Answers, Proxy
from tests.support.checkout import CHECKOUT
from tools import toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tests.integration.pulumi.conftest import Engine, Ran

STACK = "north"
ARGUMENTS: Mapping[str, Any] = {
    "registry": "registry",
    "kubeContext": "there",
    "namespace": "grid",
    "store": "s3://models?endpoint=http://10.0.0.1:7070",
    "storeAccessKey": "reader",
    "image": "registry.example/model-server@sha256:" + "0" * 64,
    "ingressClass": "contour",
    "host": HOST,
    "readyTimeout": 3,
}
"""Arguments that both programs give, beside the secrets."""

_BY_TYPE = f"""\
import os

import pulumi
import pulumi_kubernetes as kubernetes

arguments = {ARGUMENTS!r}
arguments |= {{name: pulumi.Output.secret(name) for name in ("storeSecretKey", "routeKey")}}
arguments |= {{"kubeconfig": os.environ["GRID_KUBECONFIG"]}}
if "ROUTE_ADDRESS" in os.environ:
    arguments |= {{"routeAddress": os.environ["ROUTE_ADDRESS"]}}
manifests = kubernetes.Provider("manifests", render_yaml_to_directory="manifests")
opts = pulumi.ResourceOptions(providers=[manifests])
pulumi.ComponentResource("bluegrid:index:ModelServices", "services", arguments, opts, remote=True)
"""
"""What a generated SDK does for a package: it names the type, and the engine asks the plugin."""


_IN_PYTHON = f"""\
import os

import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components import ModelServices, ModelServicesArgs, run

arguments = {ARGUMENTS!r}
arguments |= {{name: name for name in ("storeSecretKey", "routeKey")}}
arguments |= {{"kubeconfig": os.environ["GRID_KUBECONFIG"], "region": pulumi.get_stack()}}


def main():
    manifests = kubernetes.Provider("manifests", render_yaml_to_directory="manifests")
    args, opts = ModelServicesArgs.model_validate(arguments), pulumi.ResourceOptions(providers=[manifests])
    return {{"urls": ModelServices("platform", args, opts).urls}}


run(main)
"""
"""The same region by a program in Python."""


class PluginProject:
    """Another team's project with stack `north`; the plugin is on PATH, as an installed wheel has it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.environment = engine.environment
        self.registry = folder / "registry" / "g1.yaml"
        self.registry.parent.mkdir(parents=True)
        self.registry.write_text(REGISTRY)
        plugin = folder / "bin" / "pulumi-resource-bluegrid"
        plugin.parent.mkdir()
        plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m bluegrid_components.plugin.server "$@"\n')
        plugin.chmod(0o755)
        self.environment["PATH"] = os.pathsep.join((str(plugin.parent), self.environment["PATH"]))

    def edit(self, old: str, new: str) -> None:
        text = self.registry.read_text()
        assert text.count(old) == 1
        self.registry.write_text(text.replace(old, new))

    def run(self, *arguments: str) -> Ran:
        return self.engine.run(*arguments, "--stack", STACK, cwd=self.folder)

    def require(self, *arguments: str) -> Ran:
        ran = self.run(*arguments)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran


class YamlProject(PluginProject):
    """A program in YAML; its language host is built for these tests, if Pulumi came without one."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        host = toolchain.obtain(["pulumi-language-yaml"], toolchain.ProgressPrinter())["pulumi-language-yaml"]
        self.environment["PATH"] = os.pathsep.join((str(host.parent), self.environment["PATH"]))
        self.write()
        engine.require("stack", "init", STACK, cwd=folder)
        self.require("config", "set", "--secret", "routeKey", "only the stack knows")

    def write_twice(self) -> None:
        """Write the program with a second component."""
        file = self.folder / "Pulumi.yaml"
        program = YAML(typ="safe").load(file)
        resources = program["resources"]
        resources["others"] = deepcopy(resources["services"])
        YAML(typ="safe").dump(program, file)

    def write(self, **changed: Any) -> None:
        """Write the program, with other arguments; None: without this one."""
        arguments = {**ARGUMENTS, "routeKey": "${routeKey}", "storeSecretKey": {"fn::secret": "swordfish"}}
        arguments |= changed
        services = {
            "type": "bluegrid:index:ModelServices",
            "properties": {name: value for name, value in arguments.items() if value is not None},
        }
        program = {
            "name": "grid",
            "runtime": "yaml",
            "config": {"routeKey": {"type": "string", "secret": True}},
            "resources": {"services": services},
            "outputs": {"urls": "${services.urls}"},
        }
        YAML(typ="safe").dump(program, self.folder / "Pulumi.yaml")


class ProjectByType(PluginProject):
    """A program that writes manifests: only a provider of its own makes the plugin do that."""

    def __init__(self, engine: Engine, folder: Path, kubeconfig: Path) -> None:
        super().__init__(engine, folder)
        # The provider that writes manifests refuses a kubeconfig.
        del self.environment["KUBECONFIG"]
        self.environment["GRID_KUBECONFIG"] = str(kubeconfig)
        (folder / "env").symlink_to(Path(sys.prefix))
        (folder / "Pulumi.yaml").write_text(
            "name: grid\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
        )
        self.write_by_type()
        engine.require("stack", "init", STACK, cwd=folder)

    def write_in_python(self) -> None:
        """Declare the same region by a program in Python."""
        (self.folder / "__main__.py").write_text(_IN_PYTHON)

    def write_by_type(self) -> None:
        """Declare the region by the package's type, as at first."""
        (self.folder / "__main__.py").write_text(_BY_TYPE)

    def up(self, *options: str) -> Ran:
        return self.run("up", "--yes", "--skip-preview", *options)

    def manifest(self, kind: str, name: str) -> Any:
        (path,) = (self.folder / "manifests").rglob(f"*-{kind}-grid-{name}.yaml")
        return YAML(typ="safe").load(path)

    def live(self) -> str:
        (rule,) = self.manifest("ingress", "line-loading")["spec"]["rules"]
        return str(rule["http"]["paths"][0]["backend"]["service"]["name"])

    def pods(self) -> dict[str, int]:
        """Return the number of pods of each cluster that is there."""
        paths = (self.folder / "manifests").rglob("*-deployment-grid-line-loading-*.yaml")
        deployments = [YAML(typ="safe").load(path) for path in paths]
        return {
            each["metadata"]["name"].removeprefix("line-loading-"): each["spec"]["replicas"]
            for each in deployments
        }


class CountingProxy(Proxy):
    """A proxy that counts the answers at each host."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CountedAnswers)
        self.answers: Counter[str] = Counter()


class CountedAnswers(Answers):
    def do_GET(self) -> None:  # noqa: N802 - named by http.server
        assert isinstance(self.server, CountingProxy)
        self.server.answers[self.headers["Host"]] += 1
        super().do_GET()


def copy_of_plugin(folder: Path) -> Path:
    """Copy the plugin's folder, where Pulumi may install packages, and what it requires; return the copy."""
    for name in ("components", "model_registry"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("venv", "__pycache__"))
    return folder / "components"
