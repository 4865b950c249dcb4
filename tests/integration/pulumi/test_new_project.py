"""Projects of one's own, by `pulumi new` and by `bluegrid init`, on the real engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from bluegrid.project.new_project import TEMPLATE
from tests.integration.pulumi.conftest import SECRETS
from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.pulumi.conftest import Engine

SETTINGS = {
    "kubeContext": "north",
    "namespace": "bluegrid-north",
    "store": "s3://models/grid?region=eu-1",
    "image": f"registry.example.org/bluegrid@sha256:{'0' * 64}",
    "ingressClass": "contour",
}


def by_pulumi_new(engine: Engine, folder: Path) -> None:
    folder.mkdir()
    # The stand-in for the language host needs an environment to start, and installs no packages into it: with
    # that the rest of `pulumi new` would begin.
    environment(folder)
    options = ("--name", "grid-models", "--description", "Ours", "--generate-only", "--force", "--yes")
    engine.require("new", str(TEMPLATE), *options, cwd=folder)
    engine.require("stack", "init", "north", cwd=folder)
    plain = [f"--plaintext=bluegrid:{key}={value}" for key, value in SETTINGS.items()]
    engine.require("config", "set-all", "--stack", "north", *plain, *secrets(), cwd=folder)


def by_bluegrid_init(engine: Engine, folder: Path) -> None:
    named = {"kubeContext": "--context", "store": "--store", "image": "--image"}
    options = [word for key, option in named.items() for word in (option, SETTINGS[key])]
    options += ["--config", f"ingressClass={SETTINGS['ingressClass']}"]
    bluegrid(folder.parent, "init", folder.name, "--region", "north", *options)
    environment(folder)
    engine.require("stack", "init", "north", cwd=folder)
    engine.require("config", "set-all", "--stack", "north", *secrets(), cwd=folder)


def environment(folder: Path) -> None:
    (folder / ".venv").symlink_to(Path(sys.prefix))


def secrets() -> list[str]:
    return [f"--secret=bluegrid:{key}={value}" for key, value in SECRETS.items()]


def bluegrid(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [BLUEGRID, *arguments], cwd=folder, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("make", [by_pulumi_new, by_bluegrid_init])
def test_a_new_project_previews_its_first_service_under_the_rules(
    make: Callable[[Engine, Path], None], engine: Engine, tmp_path: Path
) -> None:
    project = tmp_path / "grid-models"
    make(engine, project)
    assert YAML(typ="safe").load(project / "Pulumi.yaml")["name"] == "grid-models"
    config = YAML(typ="safe").load(project / "stacks" / "Pulumi.north.yaml")["config"]
    assert {key: config[f"bluegrid:{key}"] for key in SETTINGS} == SETTINGS
    assert "0 model sets" in bluegrid(project, "check")
    shutil.copy(project / "registry" / "g1.yaml.example", project / "registry" / "g1.yaml")
    pack = bluegrid(project, "ci", "policy").strip()
    ran = engine.require("preview", "--stack", "north", "--policy-pack", pack, cwd=project)
    assert "line-loading-d1" in ran.stdout
    assert "bluegrid@v1.0.0" in ran.stdout
    assert (
        "urn:pulumi:north::grid-models::"
        in engine.require("preview", "--stack", "north", "--json", cwd=project).stdout
    )


def test_a_new_project_without_a_set_is_previewed_too(engine: Engine, tmp_path: Path) -> None:
    project = tmp_path / "grid-models"
    by_bluegrid_init(engine, project)
    assert "Deployment" not in engine.require("preview", "--stack", "north", cwd=project).stdout
