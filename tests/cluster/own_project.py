"""A project of one's own beside a node: made by `bluegrid init`, run from wheels alone."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import skops.io

from tests.support.samples import SAMPLES, ridge
from tools.demo.place import on_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cluster.conftest import Local

NAME = "grid-models"
DEVICES = ("line-1", "line-2", "line-3")
ROW = (1.0, 2.0, 3.0)
"""Features of a request."""
_OURS = ("BLUEGRID_", "PULUMI_", "PYTHON", "GITHUB_", "CI_", "VIRTUAL_ENV")
"""Prefixes of variables of this checkout's tests, which a user does not have."""


@dataclass(frozen=True)
class Ended:
    """One command that succeeded."""

    command: str
    output: str

    def json(self) -> Any:
        """Return its output, parsed as JSON."""
        return json.loads(self.output)


class OwnProject:
    """A folder with a project, and the programs of its own environment.

    Attributes:
        folder: the project.
        home: beside it, for everything else that its commands write.
    """

    def __init__(self, home: Path, programs: Path, local: Local) -> None:
        assert local.prepared.image is not None
        self.home, self.folder = home, home / NAME
        self._echo, self._node = local.printer.of("user"), local.node
        self.place = on_node(local.node, local.prepared.image.pinned)
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        (home / "state").mkdir()
        self._environment = outside | {
            # `bluegrid` of the environment that made the project, until the project has one of its own.
            "PATH": f"{self.folder / '.venv' / 'bin'}:{programs}:{local.prepared.programs}:{outside['PATH']}",
            "KUBECONFIG": str(self.place.kubeconfig),
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(32),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "AWS_ACCESS_KEY_ID": self.place.writer.access_key,
            "AWS_SECRET_ACCESS_KEY": self.place.writer.secret_key,
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }

    def run(self, *command: str, variables: Mapping[str, str] | None = None) -> Ended:
        """Run a command that must succeed, in the project, or beside it while there is none."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.folder if self.folder.exists() else self.home,
            env=self._environment | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        shown = " ".join(each for each in command if not each.startswith("--secret"))
        self._echo(f"{time.monotonic() - began:.1f} s  {shown}")
        assert done.returncode == 0, f"{shown}\n{done.stdout}\n{done.stderr}"
        return Ended(shown, done.stdout)

    def bluegrid(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Ended:
        """Run `bluegrid`, which must succeed."""
        return self.run("bluegrid", *arguments, variables=variables)

    def build_image(self, family: str) -> str:
        """Build the image of a family and load it into the node; return its reference."""
        built = self.bluegrid("image", "build", family, "--json").json()
        name: str = built["image"].rpartition(":")[0]
        self._node.load_image(Path(built["archive"]), name)
        return f"{name}@{built['digest']}"

    def init(self, region: str, *options: str, **images: str) -> Ended:
        """Make the project, with images by family."""
        place = self.place
        settings = {
            "kubeconfig": str(place.kubeconfig),
            "ingressClass": place.ingress_class,
            "routeAddress": place.route_url,
            "host": "{region}.test",
            "requestFactor": "0.05",
            "readyTimeout": "120",
        }
        return self.bluegrid(
            "init", self.folder.name, "--region", region, "--context", place.context,
            "--store", place.store, *options,
            *(word for family, image in images.items() for word in ("--image", f"{family}={image}")),
            *(word for key, value in settings.items() for word in ("--config", f"{key}={value}")),
        )  # fmt: skip

    def make_stack(self, region: str) -> None:
        """Make a stack whose file is there, with its secrets."""
        self.run("pulumi", "stack", "init", region, "--non-interactive")
        secret = {
            "storeAccessKey": self.place.reader.access_key,
            "storeSecretKey": self.place.reader.secret_key,
            "routeKey": secrets.token_urlsafe(32),
        }
        options = [f"--secret=bluegrid:{key}={value}" for key, value in secret.items()]
        self.run("pulumi", "config", "set-all", "--stack", region, *options)

    def up(self, region: str) -> Ended:
        """Bring a region up under the rules of the policy pack."""
        pack = self.bluegrid("ci", "policy").output.strip()
        options = ("--yes", "--skip-preview", "--non-interactive", "--policy-pack", pack)
        return self.run("pulumi", "up", "--stack", region, *options)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", ".")
        self.run("git", "commit", "--quiet", "-m", message)

    def predict(self, region: str, service: str) -> Any:
        """Return the answer of a service's first model for one row, with the cluster that gave it."""
        instances = ("--model", DEVICES[0], "--instances", json.dumps([ROW]))
        return self.bluegrid("predict", service, "--stack", region, *instances, "--json").json()

    def live(self, region: str, service: str) -> str:
        """Return the cluster that the Ingress of a service leads to."""
        namespace = ("--context", self.place.context, "--namespace", f"bluegrid-{region}")
        backend = "{.spec.rules[0].http.paths[0].backend.service.name}"
        found = self.run("kubectl", *namespace, "get", "ingress", service, f"--output=jsonpath={backend}")
        return found.output.removeprefix(f"{service}-")

    def planned(self, region: str) -> list[str]:
        """Return what a preview would change: the step, the object, and its properties."""
        steps = self.run("pulumi", "preview", "--stack", region, "--json", "--show-sames").json()["steps"]
        assert len(steps) > 20
        return [
            f"{step['op']} {step['urn'].rpartition('$')[2]} {sorted(step.get('detailedDiff') or ())}"
            for step in steps
            if step["op"] != "same"
        ]

    def destroy(self, region: str) -> None:
        """Remove a region."""
        self.run("pulumi", "destroy", "--yes", "--skip-preview", "--run-program", "--stack", region)


def write_models(folder: Path, model_type: str, alpha: float = 1.0) -> Path:
    """Write a model for each device; return the folder."""
    folder.mkdir(parents=True)
    suffix = model_type.rpartition("/")[2]
    data = skops.io.dumps(ridge(alpha)) if suffix == "skops" else SAMPLES[model_type]()
    for device in DEVICES:
        (folder / f"{device}.{suffix}").write_bytes(data)
    return folder
