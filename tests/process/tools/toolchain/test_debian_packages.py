from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.toolchain import debian
from tools.toolchain.debian import Package
from tools.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable

    Commands = Callable[[str, str], Path]

SCRIPT = Path(debian.__file__).with_name("install-packages")


@pytest.fixture
def gizmo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "PACKAGES", (Package("gizmo", "gizmo-run", 10),))


@pytest.mark.usefixtures("gizmo")
@pytest.mark.parametrize("state", ["not-installed", "config-files", "half-configured", "unpacked"])
def test_a_package_that_dpkg_does_not_have_whole_is_missing(command: Commands, state: str) -> None:
    command("dpkg-query", f"echo {state}")
    assert [each.name for each in debian.missing()] == ["gizmo"]


@pytest.mark.usefixtures("gizmo")
def test_an_installed_package_is_not_missing(command: Commands) -> None:
    command("dpkg-query", "echo installed")
    assert debian.missing() == []
    assert debian.cost() == ()


@pytest.mark.usefixtures("gizmo")
def test_a_program_from_elsewhere_stands_for_its_package(command: Commands) -> None:
    command("dpkg-query", "exit 1")
    command("gizmo-run", "exit 0")
    assert debian.missing() == []


@pytest.mark.usefixtures("gizmo")
def test_who_is_not_root_is_told_what_to_run(command: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    command("dpkg-query", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError, match=r"^only root .*: run `apt-get install gizmo` as root$"):
        debian.install()


@pytest.mark.usefixtures("gizmo", "root")
def test_a_refusal_of_apt_is_one_line_with_its_reason(
    command: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("dpkg-query", "exit 1")
    command("dpkg", "exit 0")
    command("apt-get", "echo 'W: old lists' >&2; echo 'E: Unable to locate package gizmo' >&2; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(
        ToolchainError, match=r"^apt-get could not install gizmo: E: Unable to locate package gizmo;.*$"
    ):
        debian.install()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root folder for the policy script that packages run before they start services."""
    (tmp_path / "root" / "usr" / "sbin").mkdir(parents=True)
    monkeypatch.setenv("DPKG_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


@pytest.fixture
def install(root: Path, tmp_path: Path, command: Commands) -> Callable[[], list[str]]:
    """Runs the script that installs packages; returns its commands and the policy's answers."""
    log = tmp_path / "log"
    command("dpkg", f'echo "dpkg $*" >>{log}')
    command(
        "apt-get", f'echo "apt-get $*" >>{log}; "$DPKG_ROOT/usr/sbin/policy-rc.d"; echo "policy $?" >>{log}'
    )
    command("systemctl", "exit 0")

    def run() -> list[str]:
        subprocess.run(["sh", SCRIPT, "gizmo", "gadget"], check=True, capture_output=True)
        return log.read_text().splitlines()

    return run


def test_packages_are_installed_in_one_go_and_none_is_removed_for_them(
    install: Callable[[], list[str]],
) -> None:
    repair, update, _, installed, _ = install()
    assert repair == "dpkg --configure -a"
    assert update.endswith(" update")
    assert installed.endswith(" install --yes --no-install-recommends --no-remove gizmo gadget")


def test_no_service_may_start_while_packages_are_installed_and_any_afterwards(
    install: Callable[[], list[str]], root: Path
) -> None:
    assert install()[-1] == "policy 101"
    assert list((root / "usr" / "sbin").iterdir()) == []


def test_a_policy_of_the_machine_is_left_as_it_is(install: Callable[[], list[str]], root: Path) -> None:
    policy = root / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 7\n")
    policy.chmod(0o755)
    assert install()[-1] == "policy 7"
    assert policy.read_text() == "#!/bin/sh\nexit 7\n"
