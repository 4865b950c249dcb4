from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.toolchain import cache
from tools.toolchain.find import find, language_host
from tools.toolchain.programs import PROGRAMS, Program
from tools.toolchain.versions import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Commands = Callable[[str, str], Path]


def program(name: str) -> Program:
    return next(each for each in PROGRAMS if each.name == name)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.246.0", (3, 246, 0)),
        ("v1.32.4-dispatcher", (1, 32, 4)),
        ("v1.34.0-gke.1709000+abc", (1, 34, 0)),
        ("devel go1.27-f00 linux", (1, 27, 0)),
        ("resource-kubernetes-v4.25.0-alpha.1", (4, 25, 0)),
        ("none of that", None),
    ],
)
def test_versions_are_read_as_programs_write_them(text: str, version: object) -> None:
    assert parse(text) == version


@pytest.mark.parametrize(
    ("version", "fits"), [("v3.238.0", True), ("v3.300.1", True), ("v3.237.9", False), ("v4.0.0", False)]
)
def test_a_pulumi_on_path_is_used_only_in_a_fitting_version(
    command: Commands, version: str, fits: bool
) -> None:
    path = command("pulumi", f"echo {version}")
    assert find(program("pulumi")) == (path if fits else None)


@pytest.mark.parametrize(
    ("version", "fits"),
    [("v1.32.4-dispatcher", True), ("v1.36.1", True), ("v1.31.9", False), ("v1.37.0", False)],
)
def test_a_kubectl_on_path_is_used_only_in_a_fitting_version(
    command: Commands, version: str, fits: bool
) -> None:
    said = json.dumps({"clientVersion": {"gitVersion": version}, "kustomizeVersion": "v5.5.0"})
    path = command("kubectl", f"echo '{said}'")
    assert find(program("kubectl")) == (path if fits else None)


@pytest.mark.parametrize("script", ["exit 1", "echo no version", "echo '[]'", "echo '{}'"])
@pytest.mark.parametrize("name", ["pulumi", "kubectl", "pulumi-resource-kubernetes"])
def test_a_program_that_does_not_say_its_version_is_not_used(
    command: Commands, name: str, script: str
) -> None:
    command(name, script)
    assert find(program(name)) is None


def test_an_etcd_on_path_is_never_used(command: Commands) -> None:
    command("etcd", "echo etcd Version: 3.6.14")
    assert find(program("etcd")) is None


def test_our_own_folder_on_path_does_not_count_as_the_machines(
    command: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = cache.programs() / "0123456789ab" / "bin"
    ours.mkdir(parents=True)
    command("pulumi", "echo v3.246.0").rename(ours / "pulumi")
    monkeypatch.setenv("PATH", f"{ours}:/usr/bin:/bin")
    assert find(program("pulumi")) is None


def test_the_newest_fitting_provider_that_pulumi_has_installed_is_used(
    command: Commands, tmp_path: Path
) -> None:
    plugins = tmp_path / "pulumi-home" / "plugins"
    for version in ("4.23.0", "4.24.1", "4.25.0", "5.0.0"):
        folder = plugins / f"resource-kubernetes-v{version}"
        folder.mkdir(parents=True)
        (folder / "pulumi-resource-kubernetes").touch()
    (plugins / "resource-kubernetes-v4.99.0").mkdir()
    assert find(program("pulumi-resource-kubernetes")) == (
        plugins / "resource-kubernetes-v4.25.0" / "pulumi-resource-kubernetes"
    )


def test_the_language_host_beside_pulumi_is_found_through_a_link(command: Commands, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "pulumi").touch()
    (release / "pulumi-language-python").touch()
    link = tmp_path / "pulumi"
    link.symlink_to(release / "pulumi")
    assert language_host(link) == release / "pulumi-language-python"
