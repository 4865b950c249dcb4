"""The real `pulumi` with a separate backend, and a kubeconfig without a cluster: nothing is deployed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.checkout import CHECKOUT, PACKAGES
from tools.toolchain import programs_dir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXAMPLE = CHECKOUT / "examples" / "line_loading" / "registry"
STAND_IN = CHECKOUT / "tools" / "toolchain" / "language_host" / "pulumi-language-python"
SECRETS = {"storeAccessKey": "reader", "storeSecretKey": "swordfish", "routeKey": "only the stack knows"}

# A port that no server can have: the cluster is unreachable.
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: none}}]
contexts:
  - {name: demo, context: {cluster: nowhere, user: nobody}}
  - {name: north, context: {cluster: nowhere, user: nobody}}
"""


@dataclass(frozen=True)
class Ran:
    """One `pulumi` that ended."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)

    def errors(self) -> list[str]:
        """The errors in its output, each once."""
        lines = (self.stdout + self.stderr).splitlines()
        return [line.strip().removeprefix("error: ") for line in lines if line.strip().startswith("error: ")]


class Engine:
    """`pulumi` with a home, a backend and a passphrase of its own; `config` is its stack file."""

    def __init__(self, path: str, folder: Path) -> None:
        self._folder = folder
        self.config = folder / "stack.yaml"
        (folder / "backend").mkdir()
        (folder / "kubeconfig").write_text(KUBECONFIG)
        self.environment = {
            "PATH": path,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": PACKAGES,
        }

    def create_stack(self, stack: str, settings: Mapping[str, str]) -> None:
        """Make the stack; add its settings to the file `config`."""
        # `stack init` writes beside Pulumi.yaml: with a separate one it does not change the checkout.
        project = self._folder / "project"
        project.mkdir()
        (project / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}")
        self.require("stack", "init", stack, cwd=project)
        plain = [f"--plaintext=bluegrid:{key}={value}" for key, value in settings.items()]
        secret = [f"--secret=bluegrid:{key}={value}" for key, value in SECRETS.items()]
        self.require(
            "config", "set-all", "--stack", stack, "--config-file", str(self.config), *plain, *secret
        )

    def run(self, *arguments: str, cwd: Path = CHECKOUT) -> Ran:
        command = ["pulumi", *arguments, "--non-interactive", "--color=never"]
        ended = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=300
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def require(self, *arguments: str, cwd: Path = CHECKOUT) -> Ran:
        ran = self.run(*arguments, cwd=cwd)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran

    def preview(self, stack: str, *options: str) -> Ran:
        return self.run("preview", "--stack", stack, "--config-file", str(self.config), *options)


@pytest.fixture(scope="session")
def programs_path() -> str:
    """Return PATH with the toolchain's programs first."""
    folder = str(programs_dir())
    path = os.pathsep.join((folder, os.environ["PATH"]))
    for program in ("pulumi", "pulumi-resource-kubernetes"):
        if shutil.which(program, path=path) is None:
            pytest.fail(
                f"{program} is neither in {folder} nor on PATH; `make test` obtains it", pytrace=False
            )
    if shutil.which(STAND_IN.name, path=path) is None:
        path = os.pathsep.join((path, str(STAND_IN.parent)))
    return path


@pytest.fixture
def engine(programs_path: str, tmp_path: Path) -> Engine:
    return Engine(programs_path, tmp_path)


@pytest.fixture
def demo(engine: Engine) -> Engine:
    """The stack `demo`, set up as the demo does."""
    engine.create_stack(
        "demo",
        {
            "registry": str(EXAMPLE),
            "kubeContext": "demo",
            "store": "s3://models/bluegrid?endpoint=http://10.77.0.1:7070&region=us-east-1",
            "image": "localhost/bluegrid/model-server:1",
            "ingressClass": "contour",
            "routeAddress": "http://10.77.0.2",
            "requestFactor": "0.05",
            "readyTimeout": "120",
        },
    )
    return engine


@pytest.fixture
def north(engine: Engine) -> Engine:
    """The stack `north` as it is tracked, with secrets."""
    shutil.copy(CHECKOUT / "stacks" / "Pulumi.north.yaml", engine.config)
    engine.create_stack("north", {})
    return engine
