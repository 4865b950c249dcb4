"""The wheels in a separate environment, used from a project whose folders have the old names of ours."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from bluegrid.image import FAMILIES, environment, packages
from bluegrid.image.base import Base
from bluegrid.image.build import image_of
from bluegrid.image.commands import Commands
from bluegrid.image.packages import uv

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wheels import Wheels

TAKEN = (
    "cli",
    "components",
    "model_registry",
    "model_server",
    "operations",
    "policy",
    "previews",
    "promotion",
)
SET = "set: {id: g1, name: Lines, task: regression, type: onnx/onnx, source: user}\nversions: []\n"


class Project:
    """A user's project: a registry, and its own packages."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        for name in TAKEN:
            (folder / name).mkdir(parents=True)
            (folder / name / "__init__.py").write_text(f"MINE = {name!r}\n")
        (folder / "registry").mkdir()
        (folder / "registry" / "g1.yaml").write_text(SET)

    def run(self, program: str, *arguments: str, timeout: float = 60, **environment: str) -> str:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            # As in a Pulumi program, whose own folder is first on the path.
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        return self.run("python", "-c", code).strip()


@pytest.fixture(scope="module")
def project(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("installed")
    installed = wheels.install(folder / "env", "bluegrid[stack,updates,images,tour]", "bluegrid-openstef")
    return Project(folder / "project", installed)


@pytest.fixture(scope="module")
def bare(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command as `pip install bluegrid` gives it, without any extra."""
    return wheels.install(tmp_path_factory.mktemp("bare") / "env", "bluegrid") / "bluegrid"


def run_alone(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that finds only the packages of its environment."""
    return subprocess.run(
        [command, *arguments],
        cwd=command.parent,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["serve", ".", "--type", "scikit-learn/skops"], "bluegrid[serve]"),
        (["tour"], "bluegrid[tour]"),
        (["server", "start", "--store", "file:///nowhere"], "bluegrid[updates]"),
        (["image", "build"], "bluegrid[images]"),
    ],
    ids=["serve", "tour", "server", "image"],
)
def test_what_an_extra_lacks_is_one_line_with_its_install(
    bare: Path, arguments: list[str], needed: str
) -> None:
    done = run_alone(bare, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f": pip install '{needed}'\n")
    assert done.stderr.count("\n") == 1


def test_the_command_runs_without_any_extra(bare: Path) -> None:
    done = run_alone(bare, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_project_keeps_its_own_packages(project: Project) -> None:
    code = f"import importlib; print([importlib.import_module(name).MINE for name in {TAKEN!r}])"
    assert project.python(code) == str([*TAKEN])


def test_the_installed_packages_are_all_named_after_bluegrid(project: Project) -> None:
    code = (
        "from importlib.metadata import packages_distributions as names;"
        "print(*sorted(name for name, of in names().items() if any('bluegrid' in each for each in of)))"
    )
    found = project.python(code).split()
    parts = ("components", "openstef", "registry", "server")
    assert found == ["bluegrid", *(f"bluegrid_{part}" for part in parts)]


def test_the_command_reads_the_projects_registry(project: Project) -> None:
    assert "no mistakes" in project.run("bluegrid", "check")


def test_the_tour_goes_from_training_to_answers_and_leaves_nothing(project: Project, tmp_path: Path) -> None:
    shown = project.run("bluegrid", "tour", timeout=400, TMPDIR=str(tmp_path)).splitlines()
    commands = [line.split()[2] for line in shown if line.startswith("$ bluegrid ")]
    assert commands == [
        *("set", "push", "push", "push", "push", "verify", "version"),
        *("serve", "predict", "verify", "serve", "push", "verify"),
    ]  # fmt: skip
    assert "set g1 v2 -> v3: 0 added, 1 changed, 0 removed, 185 unchanged; +0 bytes" in shown
    (answers,) = [line for line in shown if "answers one by one" in line]
    assert answers.startswith("  186 answers one by one, 186 in one request; ")
    (refusal,) = [line for line in shown if line.startswith("  error: ")]
    assert refusal.startswith("  error: set g1 version v4: model line-17 in pack ")
    assert any("1 damaged pack replaced" in line for line in shown)
    assert shown[-1].startswith("186 models, four versions: ")
    assert [*tmp_path.iterdir()] == []


def test_components_update_server_and_model_server_are_imported(project: Project) -> None:
    names = ["bluegrid_components", "bluegrid_server.serve", "bluegrid.updates.serve", "bluegrid.cli.main"]
    assert project.python(f"import importlib; [importlib.import_module(name) for name in {names!r}]") == ""


def test_the_files_of_the_operators_page_are_in_the_wheel(project: Project) -> None:
    where = "importlib.resources.files('bluegrid.updates') / 'page' / 'main.js'"
    code = f"import importlib.resources; print(({where}).is_file())"
    assert project.python(code) == "True"


def test_the_files_of_observability_are_in_the_wheel(project: Project) -> None:
    where = "importlib.resources.files('bluegrid.observability') / 'files'"
    code = f"import importlib.resources; print(*sorted(file.name for file in ({where}).iterdir()))"
    assert project.python(code).split() == ["dashboard.json", "podmonitor.yaml", "rules.yaml", "updates.yaml"]


@pytest.mark.parametrize("family", ["onnx", "openstef"])
def test_an_image_is_built_from_the_same_as_in_a_checkout(
    family: str, project: Project, tmp_path: Path
) -> None:
    base = "registry.example.org/python:3.12"
    archive = tmp_path / "bluegrid" / "images" / f"{name_of_image(family, base, tmp_path)}.tar"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as empty:
        index = json.dumps({"manifests": [{"digest": "sha256:1"}]}).encode()
        header = tarfile.TarInfo("index.json")
        header.size = len(index)
        empty.addfile(header, io.BytesIO(index))
    # The archive's name has the key of all its inputs: an archive with that name is used, not built again.
    options = (family, "--base-image", base, "--json")
    found = project.run("bluegrid", "image", "build", *options, XDG_CACHE_HOME=str(tmp_path), UV=uv())
    assert json.loads(found)["archive"] == str(archive)


def name_of_image(family: str, base: str, folder: Path) -> str:
    """Return the name of the archive of an image that this checkout makes."""
    with (folder / "lock").open("w") as lock:
        commands = Commands(folder / "log", lock.fileno(), folder, environment.of_programs())
        locked = packages.requirements(commands, FAMILIES[family])
    return image_of(Base(base), locked, FAMILIES[family]).archive.stem


def test_the_commands_need_neither_pulumi_nor_a_web_server(project: Project) -> None:
    # One after the other, because a command's module is imported when it is called.
    every = "[import_module(each.name) for each in walk_packages(cli.__path__, 'bluegrid.cli.')]"
    code = (
        "import sys; from importlib import import_module; from pkgutil import walk_packages; "
        f"from bluegrid import cli; assert len({every}) > 60; "
        "print(*sorted({'pulumi', 'fastapi', 'sklearn'} & {*sys.modules}))"
    )
    assert project.python(code) == ""


SCHEMA = """\
import json, pathlib, subprocess, sys
import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

program = pathlib.Path(sys.executable).with_name("pulumi-resource-bluegrid")
with subprocess.Popen([program, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as plugin:
    with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        schema = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    plugin.kill()
print(schema["version"], *schema["resources"])
"""


def test_pulumi_finds_the_plugin_for_other_languages_beside_the_command(project: Project) -> None:
    version, component = project.python(SCHEMA).split()
    installed = "from importlib.metadata import version; print(version('bluegrid-components'))"
    assert version == project.python(installed)
    assert component == "bluegrid:index:ModelServices"
