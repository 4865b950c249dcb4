"""A set's own program trains its models. Nothing of it is trusted: what it leaves is pushed like any upload.

It is a program of this machine, or one in a container. It reads one JSON object from standard input:

    {"set": "g1", "type": "scikit-learn/skops", "base": "v1", "folder": "/...", "parameters": {"flows": 120}}

and leaves in `folder` what `bluegrid push` takes: `<uid>.<file type>`, and `examples.json` if it has some.
Models of the base that it does not leave stay as they are; without a base it leaves them all.

    <state>/trained/<update>            what it has left, until the version is there
    <state>/trained/<update>.partial    while it runs
    <state>/outputs/<update>.log        what it has printed: the last of it
    <state>/outputs/<update>.json       when it began and ended
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.publishing.trainer_output import OutputFile
from bluegrid_registry.errors import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid.updates.jobs.update import Update
    from bluegrid.updates.publishing.trainer_output import TrainerOutput
    from bluegrid_registry import DeclaredSet
    from bluegrid_registry.registry_files.update_policy import Trainer, Value

POLL_SECONDS = 0.2
_INSIDE = "/models"
"""The folder, for a trainer in a container."""
LAST_LINES = 5
MAX_LINE = 500
END_SECONDS = 15.0
"""For which the end of a trainer is waited for; longer than `run_trainer` takes for it."""
KEEP_TRAINED_SECONDS = 7 * 86400.0
"""For which what was trained is kept of an update that failed: it may be tried again."""
KEEP_OUTPUT_SECONDS = 90 * 86400.0
_PASSED_ON = (
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "PYTHONPATH",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "XDG_RUNTIME_DIR",
)
"""Of the environment: nothing that the server alone should know, such as the store's account."""

log = structlog.get_logger()


class TrainingFailed(BluegridError):  # noqa: N818 - what happened
    """The trainer did not do its work."""


@dataclass(frozen=True)
class Training:
    """Where trainers work.

    Attributes:
        folder: for what they leave.
        containers: the program that runs those that are images, as `podman` and `docker` do.
    """

    folder: Path
    containers: str = "podman"

    def trained(self, update: Update) -> Path:
        """Return the folder of what was trained for an update."""
        return self.folder / str(update.id)

    def run(self, update: Update, declared: DeclaredSet, go_on: Callable[[], None]) -> None:
        """Train what an update wants, unless that has been done.

        Args:
            update: the update.
            declared: its set.
            go_on: is called now and then; what it raises ends the trainer.

        Raises:
            ConfigError: the set has no trainer, or not these parameters.
            TrainingFailed: the trainer failed, or took too long.
        """
        trainer, given = check_training(declared, update.wanted.train or {})
        trained, partial = self.trained(update), self.folder / f"{update.id}.partial"
        if trained.exists():
            return
        request = {
            "set": declared.id,
            "type": str(declared.type),
            "base": update.wanted.base,
            "folder": str(partial) if trainer.image is None else _INSIDE,
            "parameters": given,
        }
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        place = f"set {declared.id}, update {update.id}"
        output = self._output(update.id)
        with output.begun(trainer.timeout_seconds):
            if trainer.image is None:
                _run(trainer.command, trainer.timeout_seconds, json.dumps(request), place, output, go_on)
            else:
                with container(self.containers, trainer, partial.resolve()) as command:
                    _run(command, trainer.timeout_seconds, json.dumps(request), place, output, go_on)
        partial.rename(trained)

    def output(self, update_id: int, lines: int) -> TrainerOutput:
        """Return what the trainer of an update has printed last, so far or in all, and since when it runs."""
        return self._output(update_id).read(lines)

    def _output(self, update_id: int) -> OutputFile:
        return OutputFile(self._outputs / f"{update_id}.log")

    @property
    def _outputs(self) -> Path:
        return self.folder.with_name("outputs")

    def sweep(self, keep: Collection[int]) -> None:
        """Delete what was trained for updates that ended a week ago, and what trainers printed long ago."""
        now = time.time()
        for folder, seconds in (
            (self.folder, KEEP_TRAINED_SECONDS),
            (self._outputs, KEEP_OUTPUT_SECONDS),
        ):
            for path in folder.iterdir():
                if int(path.name.partition(".")[0]) not in keep and now - path.stat().st_mtime > seconds:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def forget(self, update: Update) -> None:
        """Delete what was trained for an update."""
        for name in (str(update.id), f"{update.id}.partial"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def check_training(declared: DeclaredSet, wanted: Mapping[str, Value]) -> tuple[Trainer, Mapping[str, Value]]:
    """Return a set's trainer, and the value of every parameter.

    Raises:
        ConfigError: the set has no trainer, or not these parameters.
    """
    trainer = declared.update.trainer if declared.update else None
    if trainer is None:
        raise ConfigError(f"set {declared.id} has no trainer; name it in the registry: set.update.trainer")
    return trainer, parameters(trainer, wanted)


def parameters(trainer: Trainer, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return the value of every parameter.

    Raises:
        ConfigError: one is not declared, or is of another type.
    """
    declared = trainer.parameters
    for name, value in given.items():
        if name not in declared:
            raise ConfigError(f"parameter {name} is not declared; known: {', '.join(declared) or 'none'}")
        if not declared[name].takes(value):
            raise ConfigError(f"parameter {name}: {value!r} is not of type {declared[name].type}")
    return {name: given.get(name, parameter.default) for name, parameter in declared.items()}


@contextmanager
def container(program: str, trainer: Trainer, folder: Path) -> Iterator[Sequence[str]]:
    """Yield the command that runs a trainer's image; whatever ends that, the container is gone afterwards.

    Args:
        program: `podman`, or one like it.
        trainer: with an image.
        folder: where it leaves its models, and whereby the container is named: one that a killed server has
            left is taken away first.

    Raises:
        ConfigError: there is no such program.
    """
    if shutil.which(program) is None:
        raise ConfigError(f"{program} is not on PATH, and the trainer is an image; install it")
    name = f"bluegrid-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    gone = [program, "rm", "--force", "--volumes", name]
    subprocess.run(gone, capture_output=True, check=False)
    options = ["--rm", "--interactive", f"--name={name}", f"--volume={folder}:{_INSIDE}:z"]
    # What trains models needs no more rights than to leave them, as whoever the image has it run.
    options += ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    folder.chmod(0o777)
    # In place of the image's own program, as a pod's `command`.
    replaced, arguments = trainer.command[:1], trainer.command[1:]
    options += [f"--entrypoint={each}" for each in replaced]
    try:
        yield [program, "run", *options, str(trainer.image), *arguments]
    finally:
        # The program that was ended is only the one that talks to the container.
        subprocess.run(gone, capture_output=True, check=False)


def _run(
    program: Sequence[str],
    timeout_seconds: int,
    request: str,
    place: str,
    output: OutputFile,
    go_on: Callable[[], None],
) -> None:
    command = [sys.executable, "-m", "bluegrid.updates.publishing.run_trainer", str(os.getpid()), *program]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    last: deque[str] = deque(maxlen=LAST_LINES)
    reader = threading.Thread(target=_listen, args=(process, request, place, output, last), daemon=True)
    deadline = time.monotonic() + timeout_seconds
    reader.start()
    fault = None
    try:
        while process.poll() is None and fault is None:
            go_on()
            if time.monotonic() > deadline:
                fault = f"took more than {timeout_seconds} s"
            _wait(process, POLL_SECONDS)
    finally:
        _end(process)
        # With a limit: what cannot be ended may hold the pipe.
        reader.join(END_SECONDS)
    if fault is None and process.returncode != 0:
        fault = _how_it_ended(process.returncode)
    if fault is not None:
        lines = "; ".join([*last]) or "nothing"
        raise TrainingFailed(f"{place}: the trainer {fault}; it said: {lines}")


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    by = f"was ended by signal {signal.Signals(-code).name}"
    return f"{by}; is there enough memory?" if -code == signal.SIGKILL else by


def _listen(
    process: subprocess.Popen[str], request: str, place: str, output: OutputFile, last: deque[str]
) -> None:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
    # If there is no reader any more, its exit code says why.
    with suppress(BrokenPipeError), process.stdin as given:
        given.write(request)
    with process.stdout as printed:
        while line := printed.readline(MAX_LINE):
            if line := line.strip():
                last.append(line)
                log.info("trainer", place=place, line=line)
                # A disk that is full is no fault of the trainer's.
                with suppress(OSError):
                    output.add(line)


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _end(process: subprocess.Popen[str]) -> None:
    """End the trainer and all that it has started."""
    process.terminate()
    _wait(process, END_SECONDS)
    if process.poll() is None:
        log.error("a trainer cannot be ended", process=process.pid)
        process.kill()
        _wait(process, POLL_SECONDS)
