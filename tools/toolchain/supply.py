"""Supplies programs, each from the first source that has it: machine, cache, official download, Go module."""

from __future__ import annotations

import functools
import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.toolchain import cache
from tools.toolchain.build import build, modules_ahead
from tools.toolchain.download import available, download
from tools.toolchain.errors import DownloadError, ToolchainError
from tools.toolchain.find import LANGUAGE_HOST, find, language_host, which
from tools.toolchain.keys import key_of, this_platform
from tools.toolchain.programs import PEERS, PROGRAMS, Program
from tools.toolchain.progress import Activity, Progress, Step, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tools.toolchain.keys import Platform

STAND_IN = Path(__file__).parent / "language_host" / LANGUAGE_HOST


@dataclass(frozen=True)
class Installed:
    """An installed program: its files by name, and where it came from."""

    program: Program
    files: Mapping[str, Path]
    origin: str


def obtain(names: Collection[str] | None = None, progress: Progress = quiet) -> Mapping[str, Path]:
    """Obtain programs, and link them in `programs_dir()`.

    Can run in a thread. A killed run continues where it stopped; of two runs at once the second waits.

    Args:
        names: names in `PROGRAMS` and `PEERS`; by default all of `PROGRAMS`.
        progress: called with every step.

    Returns:
        Paths by name, of programs and of the files that come with them.

    Raises:
        ToolchainError: a program cannot be obtained.
    """
    programs = chosen(names)
    platform = this_platform()
    installed = find_installed(programs, platform)
    if len(installed) < len(programs):
        with cache.locked(
            lambda: progress(Step(Activity.WAITING, "another run that builds programs", 0, 0, 0))
        ) as lock:
            installed = find_installed(programs, platform)
            _get([each for each in programs if each.name not in installed], platform, progress, lock)
            cache.discard(cache.build())
        installed = find_installed(programs, platform)
    return _link(installed)


def programs_dir() -> Path:
    """Return the folder to put first on PATH: links to the programs of this checkout that PATH lacks."""
    platform = this_platform()
    keys = [key_of(each, platform) for each in PROGRAMS]
    digest = hashlib.sha256("\n".join([*keys, str(STAND_IN)]).encode()).hexdigest()
    return cache.programs() / digest[:12] / "bin"


def chosen(names: Collection[str] | None) -> Sequence[Program]:
    """Return programs by name, in the order of the table.

    Raises:
        ToolchainError: a name is unknown.
    """
    if names is None:
        return PROGRAMS
    known = [each.name for each in (*PROGRAMS, *PEERS)]
    if unknown := sorted(set(names) - set(known)):
        raise ToolchainError(f"no program is called {', '.join(unknown)}; known: {', '.join(known)}")
    return [each for each in (*PROGRAMS, *PEERS) if each.name in names]


def find_installed(programs: Sequence[Program], platform: Platform) -> Mapping[str, Installed]:
    """Return the programs that are installed, by name."""
    found = (_find_installed(program, platform) for program in programs)
    return {each.program.name: each for each in found if each}


def _find_installed(program: Program, platform: Platform) -> Installed | None:
    if path := find(program):
        return Installed(program, {program.name: path}, f"found at {path}")
    if not cache.is_built(program, platform):
        return None
    slot = cache.slot(program, platform)
    files = {file.name: file for file in sorted(slot.iterdir()) if file.name != cache.ORIGIN}
    return Installed(program, files, (slot / cache.ORIGIN).read_text().strip())


def _get(missing: Sequence[Program], platform: Platform, progress: Progress, lock: int) -> None:
    for number, program in enumerate(missing, 1):
        step = Step(
            Activity.BUILDING, f"{program.name} {program.version}", number, len(missing), program.seconds
        )
        with cache.filled(program, platform) as folder:
            origin = _download(program, platform, folder, step, progress)
            if origin is None:
                work = functools.partial(build, program, platform, folder, lock=lock)
                with modules_ahead(next((each for each in missing[number:] if not available(each)), None)):
                    origin = _timed(step, progress, work)
            (folder / cache.ORIGIN).write_text(origin + "\n")


def _download(
    program: Program, platform: Platform, folder: Path, step: Step, progress: Progress
) -> str | None:
    """Download a program; return its origin, or None if it has to be built."""
    if not available(program):
        return None
    step = replace(step, activity=Activity.DOWNLOADING, usual=0)
    try:
        return _timed(step, progress, functools.partial(download, program, platform, folder))
    except DownloadError:
        return None


def _timed(step: Step, progress: Progress, work: Callable[[Callable[[], None]], str]) -> str:
    """Run one step and report its progress."""
    started = time.monotonic()

    def report(ended: str | None = None) -> None:
        progress(replace(step, elapsed=time.monotonic() - started, ended=ended))

    progress(step)
    try:
        origin = work(report)
    except ToolchainError as error:
        report(str(error))
        raise
    report("done")
    return origin


def _link(installed: Mapping[str, Installed]) -> Mapping[str, Path]:
    """Lay out `programs_dir()`, the only folder that depends on the present PATH."""
    files = {name: path for each in installed.values() for name, path in each.files.items()}
    if "pulumi" in files and LANGUAGE_HOST not in files:
        files[LANGUAGE_HOST] = _host(files["pulumi"])
    folder = programs_dir()
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        link = folder / name
        if path == which(name):
            link.unlink(missing_ok=True)
        elif not link.is_symlink() or link.readlink() != path:
            fresh = folder / f".{name}"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(path)
            fresh.replace(link)
    return files


def _host(pulumi: Path) -> Path:
    """Return the language host: our stand-in for our `pulumi`, the machine's host for the machine's."""
    return STAND_IN if pulumi.is_relative_to(cache.programs()) else language_host(pulumi) or STAND_IN
