"""`tools/bootstrap` and the Makefile on machines that lack something; nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Commands = Callable[[str, str], Path]

KEPT = "--no-extra tensorflow --no-extra spark --inexact"


@pytest.fixture
def checkout(tmp_path: Path, command: Commands) -> Path:
    """A checkout on a supported machine whose uv does nothing."""
    folder = tmp_path / "checkout"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(CHECKOUT / "tools" / "bootstrap", folder / "tools")
    shutil.copy(CHECKOUT / "Makefile", folder)
    command("uname", "echo Linux")
    command("apt-get", "exit 99")
    command("id", 'case "$1" in -u) echo 0 ;; *) echo root ;; esac')
    command("git", "exit 0")
    command("go", "echo go version go1.26.8 linux/amd64")
    command("python3", 'case "$1" in --version) echo Python 3.11.2 ;; *) exit 0 ;; esac')
    (version,) = [
        line.removeprefix("UV=")
        for line in (folder / "tools" / "bootstrap").read_text().splitlines()
        if line.startswith("UV=")
    ]
    uv = tmp_path / "caches" / "bluegrid" / f"uv-{version}" / "bin"
    uv.mkdir(parents=True)
    command("uv", 'echo "uv $*"').rename(uv / "uv")
    return folder


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/bootstrap", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_a_fitting_machine_gets_the_locked_environment(checkout: Path) -> None:
    done = run(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout.splitlines()[-1]
        == f"uv sync --quiet --frozen --all-packages --all-extras {KEPT} --compile-bytecode"
    )


def test_a_prepared_checkout_is_left_with_nothing_said_but_by_uv(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/true")
    assert (
        run(checkout).stdout
        == f"uv sync --quiet --frozen --all-packages --all-extras {KEPT} --compile-bytecode\n"
    )


def test_the_tour_gets_its_packages_alone_and_keeps_others(checkout: Path, command: Commands) -> None:
    for name in ("go", "git", "apt-get"):
        command(name, "exit 99")
    done = run(checkout, "tour")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout.splitlines()[-1]
        == "uv sync --quiet --frozen --no-default-groups --extra tour --inexact --compile-bytecode"
    )


GO_WANTED = "wanted Go 1.26 or later; install it from https://go.dev/dl"
PYTHON_WANTED = "wanted Python 3.11 or later; put a later python3 first on PATH"
NOT_ROOT = 'case "$1" in -u) echo 1000 ;; *) echo ann ;; esac'


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("go", "echo go version go1.25.9 linux/amd64", f"found go1.25.9, {GO_WANTED}"),
        ("go", "exit 1", f"go does not run, {GO_WANTED}"),
        ("python3", "echo Python 3.10.12", f"found Python 3.10.12, {PYTHON_WANTED}"),
        ("python3", "echo Python 2.7.18 >&2", f"found Python 2.7.18, {PYTHON_WANTED}"),
        ("uname", "echo Darwin", "found Darwin, wanted Linux with apt-get; use Debian 12 or one like it"),
        ("id", NOT_ROOT, "found user ann, wanted root; run as root, or name a cluster with KUBE_CONTEXT="),
    ],
)
def test_a_machine_that_does_not_fit_is_refused_in_one_line(
    checkout: Path, command: Commands, name: str, script: str, said: str
) -> None:
    command(name, script)
    done = run(checkout)
    assert done.returncode == 1
    assert done.stderr == f"tools/bootstrap: {said}\n"


@pytest.mark.parametrize("version", ["go1.26", "go1.26rc1", "go1.30.1", "go2.0"])
def test_a_later_go_is_welcome(checkout: Path, command: Commands, version: str) -> None:
    command("go", f"echo go version {version} linux/amd64")
    assert run(checkout).returncode == 0


def test_python_alone_needs_neither_root_nor_go(checkout: Path, command: Commands) -> None:
    command("id", "echo 1000")
    command("go", "exit 1")
    assert run(checkout, "python").returncode == 0


def test_a_named_cluster_needs_no_root(
    checkout: Path, command: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("id", "echo 1000")
    monkeypatch.setenv("KUBE_CONTEXT", "kind-kind")
    assert run(checkout).returncode == 0


def test_a_python_without_venv_is_refused_with_the_package_that_it_lacks(
    checkout: Path, command: Commands, caches: Path
) -> None:
    shutil.rmtree(next(caches.glob("uv-*")))
    command("id", "echo 1000")
    command("python3", 'case "$1" in --version) echo Python 3.11.2 ;; *) exit 1 ;; esac')
    done = run(checkout, "python")
    assert done.returncode == 1
    assert done.stderr.endswith("cannot make virtual environments; run: apt-get install python3-venv\n")
    assert done.stderr.count("\n") == 1


def make(checkout: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Run `make` as from a shell, independent of a make that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *targets], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def test_clean_has_nothing_to_do_where_nothing_ever_ran(checkout: Path) -> None:
    done = make(checkout, "clean")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_make_alone_lists_its_targets(checkout: Path) -> None:
    listed = make(checkout).stdout
    assert [line.split()[1] for line in listed.splitlines()] == [
        "help",
        "tour",
        "openstef",
        "demo",
        "test",
        "check",
        "check-floors",
        "endurance",
        "bench-switches",
        "bench-registry",
        "bench-stack",
        "bench-one-service",
        "bench-several-stacks",
        "bench-transfer",
        "bench-server",
        "bench-openstef",
        "bench-updates",
        "clean",
        "distclean",
    ]
