"""Builds programs from pinned Go modules; `go.sum` has the checksum of each module."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tools.toolchain import cache
from tools.toolchain.errors import ToolchainError
from tools.toolchain.keys import SOURCES, STRIPPED, go_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.toolchain.keys import Platform
    from tools.toolchain.programs import ModuleFile, Program


def build(program: Program, platform: Platform, into: Path, tick: Callable[[], None], lock: int) -> str:
    """Build a program into a folder.

    Args:
        program: what to build.
        platform: the compiler, named in the origin.
        into: the folder.
        tick: called about once a second.
        lock: descriptor that the compiler inherits, see `cache.locked`.

    Returns:
        The origin, for people.

    Raises:
        ToolchainError: a module cannot be downloaded or differs from its sum, or the compiler fails.
    """
    # With several packages, Go names each program after its package, in a folder; a single one is named here.
    out = into / program.binaries[0] if len(program.binaries) == 1 else into
    flags = [f"-ldflags={STRIPPED} {program.ldflags}"]
    if program.gcflags:
        flags.append(f"-gcflags={program.gcflags}")
    if program.tags:
        flags.append(f"-tags={program.tags}")
    arguments = ["build", *flags, "-o", str(out), *program.packages]
    log = _folder() / f"{program.name}.log"
    with log.open("w") as output, _go(program, arguments, output, [lock]) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            tick()
    if process.returncode != 0:
        raise ToolchainError(
            f"go build of {program.name} {program.version} failed: {_last_line(log)}; all of its output"
            f" is in {log}; run the same command again: what was compiled is kept"
        )
    for file in program.files:
        found = sorted(_module(program, file).glob(file.path))
        (into / file.name).write_text("---\n".join(each.read_text() for each in found))
    return f"built with {platform.go} from {', '.join(program.packages)}"


@contextlib.contextmanager
def modules_ahead(program: Program | None) -> Iterator[None]:
    """Download a program's modules while the block builds another program; its own build gets the rest."""
    if program is None:
        yield
        return
    with _go(program, ["list", "-deps", f"-tags={program.tags}", *program.packages], subprocess.DEVNULL):
        yield


@contextlib.contextmanager
def _go(
    program: Program, arguments: Sequence[str], output: IO[str] | int, inherited: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Go command in a program's folder; it ends with the block."""
    process = subprocess.Popen(
        ["go", *arguments],
        cwd=SOURCES / program.source,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=inherited,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _module(program: Program, file: ModuleFile) -> Path:
    """Return where Go keeps the module that has this file."""
    listed = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", file.module],
        cwd=SOURCES / program.source,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(listed.stdout.strip())


def _environment() -> dict[str, str]:
    """Return an environment with separate caches: gigabytes, deleted when all programs are built."""
    caches = {"GOCACHE": "gocache", "GOMODCACHE": "gomod", "GOTMPDIR": "tmp"}
    return go_environment() | {variable: str(_folder(name)) for variable, name in caches.items()}


def _folder(name: str = "") -> Path:
    folder = cache.build() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
