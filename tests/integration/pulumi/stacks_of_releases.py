"""Stacks whose states are kept from release to release: a later program previews them without a change.

In a checkout of a release, this writes their states:
`python -m tests.integration.pulumi.stacks_of_releases FOLDER`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.pulumi.conftest import STAND_IN, Engine
from tests.integration.pulumi.deployed import import_as_made
from tests.integration.pulumi.elsewhere import Elsewhere
from tests.support.checkout import CHECKOUT
from tools.toolchain import programs_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES = Path(__file__).with_name("states")
STACK = "demo"
_SHARED = {
    "registry": str(STATES / "registry"),
    "kubeContext": "demo",
    "store": "s3://models/bluegrid?endpoint=https://store.example.org&region=eu-central-1",
    "image": f"registry.example.org/bluegrid/model-server@sha256:{'5' * 64}",
    "host": "models.example.org",
}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "ingress": {
        **_SHARED,
        "ingressClass": "contour",
        "routeAddress": "http://192.0.2.1",
        "requestFactor": "0.5",
        "sizeFactor": "1.5",
        "tlsSecret": "models-tls",
        "quotaPods": "50",
    },
    "gateway": {**_SHARED, "region": "east", "gateway": "infra/public", "proxyNamespace": "envoy"},
}
"""The settings of each stack, by the name of its state's file."""
_NOT_KEPT = {"created", "modified", "sourcePosition", "stackTrace"}
"""The keys of a state that say when a resource was made, and by which line."""
_KUBECONFIG = "KUBECONFIG"
"""Stands in a kept state for the path of the kubeconfig."""


def create(engine: Engine, name: str) -> None:
    """Create a stack of this project with its settings; its state is empty."""
    engine.create_stack(STACK, SETTINGS[name])


def import_state(engine: Engine, file: Path, stack: str = STACK, cwd: Path = CHECKOUT) -> None:
    """Import the resources in a file into a stack's state."""
    state = engine.require("stack", "export", "--stack", stack, cwd=cwd).json()
    text = file.read_text().replace(json.dumps(_KUBECONFIG), json.dumps(_kubeconfig(engine)))
    state["deployment"]["resources"] = json.loads(text)
    imported = engine.config.with_name("imported.json")
    imported.write_text(json.dumps(state))
    engine.require("stack", "import", "--stack", stack, "--file", str(imported), cwd=cwd)


def _write_state(engine: Engine, file: Path, stack: str = STACK, cwd: Path = CHECKOUT) -> None:
    """Write the resources of a stack's state to a file, one per line, with secrets in clear."""
    state = engine.require("stack", "export", "--show-secrets", "--stack", stack, cwd=cwd).json()
    lines = [
        json.dumps({key: value for key, value in each.items() if key not in _NOT_KEPT})
        for each in state["deployment"]["resources"]
    ]
    text = ",\n".join(lines).replace(json.dumps(_kubeconfig(engine)), json.dumps(_KUBECONFIG))
    file.write_text(f"[\n{text}\n]\n")


def _kubeconfig(engine: Engine) -> str:
    return engine.environment.get("KUBECONFIG", "")


def _main(folder: Path) -> None:
    folder.mkdir(parents=True)
    path = os.pathsep.join((str(programs_dir()), os.environ["PATH"], str(STAND_IN.parent)))
    for name in SETTINGS:
        with tempfile.TemporaryDirectory() as workspace:
            engine = Engine(path, Path(workspace))
            create(engine, name)
            import_as_made(engine, STACK, Path(workspace))
            _write_state(engine, folder / f"{name}.json")
    with tempfile.TemporaryDirectory() as workspace:
        engine, project = Engine(path, Path(workspace)), Path(workspace, "elsewhere")
        del engine.environment["KUBECONFIG"]
        Elsewhere(engine, project)
        _write_state(engine, folder / "components.json", "north", project)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
