"""A project whose stack writes manifests, a proxy that follows them, and an API server that answers."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from tests.integration.pulumi.conftest import SECRETS, Ran
from tests.program.cluster import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.pulumi.conftest import Engine

STACK = "north"
HOST = "models.example.org"
PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components import ModelServices, read_config, run


def main():
    provider = kubernetes.Provider("manifests", render_yaml_to_directory="manifests")
    opts = pulumi.ResourceOptions(provider=provider)
    return {"urls": ModelServices("platform", read_config(), opts).urls}


run(main)
"""
_CHANGING = {"created", "modified", "sourcePosition", "stackTrace", "id"}
"""Keys of a state that differ in two stacks with the same resources."""


def service(number: int) -> str:
    """Return the file of a set with a service of two clusters."""
    return f"""\
set: {{id: g{number}, name: Load {number}, task: regression, type: onnx/onnx, source: user}}
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"2" * 64}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v3, manifest: "sha256:{"3" * 64}", updated: 2026-11-23T08:00:00Z}}
service:
  name: load-{number}
  live: d1
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}}
    - {{id: d2, version: v2, replicas: 1, cpu: 1, memory: 1Gi}}
"""


class Region:
    """A stack `north` of a project of its own; its state is empty."""

    def __init__(
        self, engine: Engine, folder: Path, api_server: str, proxy: Proxy, services: int = 2
    ) -> None:
        self._engine, self.folder = engine, folder
        self.registry = folder / "registry"
        self.registry.mkdir(parents=True)
        (folder / "env").symlink_to(Path(sys.prefix))
        (folder / "Pulumi.yaml").write_text(
            "name: grid\nstackConfigDir: stacks\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
        )
        (folder / "__main__.py").write_text(PROGRAM)
        for number in range(1, services + 1):
            self.file(number).write_text(service(number))
        config = kubeconfig(folder / "kubeconfig", api_server, "there")
        # The provider writes manifests unless the environment names a cluster.
        self.environment = {key: value for key, value in engine.environment.items() if key != "KUBECONFIG"}
        engine.environment = self.environment
        engine.require("stack", "init", STACK, cwd=folder)
        settings = {
            "registry": "registry",
            "kubeContext": "there",
            "kubeconfig": str(config),
            "namespace": "grid",
            "store": "s3://models?endpoint=http://10.0.0.1:7070",
            "image": "registry.example/model-server@sha256:" + "0" * 64,
            "ingressClass": "contour",
            "host": HOST,
            "routeAddress": proxy.address,
            "readyTimeout": "3",
        }
        plain = [f"--plaintext=bluegrid:{key}={value}" for key, value in settings.items()]
        secret = [f"--secret=bluegrid:{key}={value}" for key, value in SECRETS.items()]
        engine.require("config", "set-all", "--stack", STACK, *plain, *secret, cwd=folder)
        proxy.manifests.append(folder / "manifests")

    def file(self, number: int) -> Path:
        return self.registry / f"g{number}.yaml"

    def edit(self, number: int, old: str, new: str) -> None:
        text = self.file(number).read_text()
        assert text.count(old) == 1
        self.file(number).write_text(text.replace(old, new))

    def pulumi(self, *arguments: str, **more: str) -> Ran:
        self._engine.environment = self.environment | more
        return self._engine.run(*arguments, "--stack", STACK, cwd=self.folder)

    def up(self, **more: str) -> None:
        ran = self.pulumi("up", "--yes", "--skip-preview", **more)
        assert ran.exit_code == 0, ran.stdout + ran.stderr

    def bluegrid(self, *arguments: str, stack: str | None = STACK) -> Ran:
        """Run the command in the project's folder."""
        of_stack = [] if stack is None else ["--stack", stack]
        done = subprocess.run(
            [Path(sys.executable).with_name("bluegrid"), *arguments, *of_stack],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def require(self, *arguments: str) -> Ran:
        done = self.bluegrid(*arguments)
        assert done.exit_code == 0, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, stack: str | None = STACK) -> Any:
        """Run a command that prints JSON; return its data."""
        done = self.bluegrid(*arguments, stack=stack)
        assert done.exit_code == 0, done.stdout + done.stderr
        return done.json()

    def urns(self, stack: str) -> list[str]:
        """Return the URNs of all resources in the state of a stack."""
        self._engine.environment = self.environment
        exported = self._engine.require("stack", "export", "--stack", stack, cwd=self.folder).json()
        return [each["urn"] for each in exported["deployment"]["resources"]]

    def state(self) -> dict[str, Any]:
        """Return all resources by URN, without what differs in two stacks with the same resources."""
        text = json.dumps(self.pulumi("stack", "export", "--show-secrets").json()["deployment"]["resources"])
        resources = json.loads(text.replace(str(self.folder), "FOLDER"))
        return {each["urn"]: _comparable(each, resources) for each in resources}

    def texts(self) -> dict[str, str]:
        """Return the manifests by name."""
        return {path.name: path.read_text() for path in (self.folder / "manifests").rglob("*.yaml")}

    def live(self, name: str) -> str:
        (path,) = (self.folder / "manifests").rglob(f"*-ingress-grid-{name}.yaml")
        (rule,) = YAML(typ="safe").load(path)["spec"]["rules"]
        return str(rule["http"]["paths"][0]["backend"]["service"]["name"])


def _comparable(resource: Mapping[str, Any], resources: list[Mapping[str, Any]]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key not in _CHANGING}
    if "provider" in kept:
        kept["provider"] = kept["provider"].rpartition("::")[0]
    for key in ("dependencies",):
        kept[key] = sorted(kept.get(key) or ())
    assert len(resources) == len({each["urn"] for each in resources})
    return kept


class Proxy(ThreadingHTTPServer):
    """Follows the Ingresses in folders of manifests, as soon as they are written.

    Attributes:
        manifests: the folders.
        deaf: paths of services for which it follows no change of the live route.
        requests: hosts and paths that were requested.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.manifests: list[Path] = []
        self.deaf: set[str] = set()
        self.requests: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def cluster(self, host: str, path: str) -> str | None:
        name = path.split("/")[2]
        if host == HOST and name in self.deaf:
            return None
        for folder in self.manifests:
            for file in folder.rglob(f"*-ingress-grid-{name}*.yaml"):
                (rule,) = YAML(typ="safe").load(file)["spec"]["rules"]
                if rule.get("host") == host and path.startswith(rule["http"]["paths"][0]["path"] + "/"):
                    backend = str(rule["http"]["paths"][0]["backend"]["service"]["name"])
                    return backend.removeprefix(f"{name}-")
        return None


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Proxy)
        host = str(self.headers["Host"]).partition(":")[0]
        self.server.requests.append((host, self.path))
        cluster = self.server.cluster(host, self.path)
        if cluster is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Bluegrid-Cluster", cluster)
        self.send_header("Bluegrid-Version", cluster.replace("d", "v"))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
