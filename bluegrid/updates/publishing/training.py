"""Runs the trainer of a set. The trainer is not trusted: its models are pushed like any upload.

The trainer runs on this machine or in a container. It reads one JSON object from standard input:

    {"set": "g1", "type": "scikit-learn/skops", "base": "v1", "baseManifest": "sha256:...",
     "publicKeys": [{"id": "ops-2026", "public": "MCow..."}], "folder": "/...", "parameters": {"flows": 120}}

and writes its models to `folder`, in the form of `bluegrid push`: `<uid>.<file type>`, and optionally
`examples.json`. Other models of the base stay the same; without a base, the trainer must write all models.
A trainer that has nothing to change writes none, and its update makes no version.

`baseManifest` is the digest of the base's manifest that the registry pins, null without a base, and
`publicKeys` are the keys that may sign the set's versions: a trainer that reads the base from the store
checks both.

    <state>/trained/<update>            the models, until the version is published
    <state>/trained/<update>.partial    the same, while the trainer runs
    <state>/outputs/<update>.log        the end of the trainer's output
    <state>/outputs/<update>.json       the times of start and end
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.publishing.trainer_container import MODELS_FOLDER, container
from bluegrid.updates.publishing.trainer_output import OutputFile
from bluegrid_registry.errors import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from bluegrid.updates.jobs.update import Update
    from bluegrid.updates.publishing.trainer_output import TrainerOutput
    from bluegrid_registry import DeclaredSet, RegistryFile
    from bluegrid_registry.registry_files.update_policy import Trainer, Value

POLL_SECONDS = 0.2
LAST_LINES = 5
"""Lines of output in the error of a failed trainer."""
MAX_LINE = 500
"""The most characters of a line; the rest becomes the next line."""
END_SECONDS = 15.0
"""How long the server waits for the end of a trainer; `run_trainer` takes less."""
KEEP_TRAINED_SECONDS = 7 * 86400.0
"""How long the models of a failed update are kept: the update may be tried again."""
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
"""Environment variables that a trainer gets; never secrets, such as the credentials of the store."""

log = structlog.get_logger()


class TrainingFailed(BluegridError):  # noqa: N818 - what happened
    """The trainer failed, or took too long."""


@dataclass(frozen=True)
class Training:
    """Runs trainers.

    Attributes:
        folder: for their models.
        containers: the program that runs images, such as `podman` or `docker`.
    """

    folder: Path
    containers: str = "podman"

    def trained(self, update: Update) -> Path:
        """Return the folder of the models that were trained for an update."""
        return self.folder / str(update.id)

    def run(self, update: Update, file: RegistryFile, require_wanted: Callable[[], None]) -> None:
        """Train the models of an update, unless an earlier attempt has done so.

        Args:
            update: the update.
            file: the update's set, with its versions.
            require_wanted: is called regularly; its errors end the trainer.

        Raises:
            ConfigError: the set has no trainer, or a parameter is invalid.
            RegistryError: the base is not in the registry any more.
            TrainingFailed: the trainer failed, or took too long.
        """
        trainer, given = check_training(file.set, update.wanted.train or {})
        trained, partial = self.trained(update), self.folder / f"{update.id}.partial"
        if trained.exists():
            return
        folder = str(partial) if trainer.image is None else MODELS_FOLDER
        request = _request(file, update.wanted.base, folder, given)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        place = f"set {file.set.id}, update {update.id}"
        output = self._output(update.id)
        with output.begun(trainer.timeout_seconds):
            if trainer.image is None:
                _run(trainer.command, trainer.timeout_seconds, request, place, output, require_wanted)
            else:
                with container(self.containers, trainer, partial.resolve()) as command:
                    _run(command, trainer.timeout_seconds, request, place, output, require_wanted)
        partial.rename(trained)

    def output(self, update_id: int, lines: int) -> TrainerOutput:
        """Return the last lines of output of an update's trainer, and its times."""
        return self._output(update_id).read(lines)

    def _output(self, update_id: int) -> OutputFile:
        return OutputFile(self._outputs / f"{update_id}.log")

    @property
    def _outputs(self) -> Path:
        return self.folder.with_name("outputs")

    def sweep(self, keep: Collection[int]) -> None:
        """Delete models and output of updates that ended long ago.

        Args:
            keep: updates that have not ended.
        """
        now = time.time()
        for folder, seconds in (
            (self.folder, KEEP_TRAINED_SECONDS),
            (self._outputs, KEEP_OUTPUT_SECONDS),
        ):
            for path in folder.iterdir():
                if int(path.name.partition(".")[0]) not in keep and now - path.stat().st_mtime > seconds:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def forget(self, update: Update) -> None:
        """Delete the models that were trained for an update."""
        for name in (str(update.id), f"{update.id}.partial"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def check_training(declared: DeclaredSet, given: Mapping[str, Value]) -> tuple[Trainer, Mapping[str, Value]]:
    """Return a set's trainer, and the value of every parameter.

    Raises:
        ConfigError: the set has no trainer, or a parameter is invalid.
    """
    trainer = declared.update.trainer if declared.update else None
    if trainer is None:
        raise ConfigError(f"set {declared.id} has no trainer; name it in the registry: set.update.trainer")
    return trainer, parameters(trainer, given)


def parameters(trainer: Trainer, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return the value of every parameter.

    Raises:
        ConfigError: a parameter is not declared, or has another type.
    """
    declared = trainer.parameters
    for name, value in given.items():
        if name not in declared:
            raise ConfigError(f"parameter {name} is not declared; known: {', '.join(declared) or 'none'}")
        if not declared[name].takes(value):
            raise ConfigError(f"parameter {name}: {value!r} is not of type {declared[name].type}")
    return {name: given.get(name, parameter.default) for name, parameter in declared.items()}


def _request(file: RegistryFile, base: str | None, folder: str, given: Mapping[str, Value]) -> str:
    """Return what a trainer reads; RegistryError if the base is not in the registry any more."""
    return json.dumps(
        {
            "set": file.set.id,
            "type": str(file.set.type),
            "base": base,
            "baseManifest": None if base is None else file.version(base).manifest,
            "publicKeys": [key.model_dump() for key in file.set.keys],
            "folder": folder,
            "parameters": given,
        }
    )


def _run(
    program: Sequence[str],
    timeout_seconds: int,
    request: str,
    place: str,
    output: OutputFile,
    require_wanted: Callable[[], None],
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
            require_wanted()
            if time.monotonic() > deadline:
                fault = f"took more than {timeout_seconds} s"
            _wait(process, POLL_SECONDS)
    finally:
        _end(process)
        # With a timeout: a process that cannot be ended may keep the pipe open.
        reader.join(END_SECONDS)
    if fault is None and process.returncode != 0:
        fault = _how_it_ended(process.returncode)
    if fault is not None:
        lines = "; ".join([*last]) or "nothing"
        raise TrainingFailed(f"{place}: the trainer {fault}; its last lines: {lines}")


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    by = f"was ended by signal {signal.Signals(-code).name}"
    return f"{by}; is there enough memory?" if -code == signal.SIGKILL else by


def _listen(
    process: subprocess.Popen[str], request: str, place: str, output: OutputFile, last: deque[str]
) -> None:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
    # A trainer that does not read its input is judged by its exit code.
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(request)
    with process.stdout as stdout:
        while line := stdout.readline(MAX_LINE):
            if line := line.strip():
                last.append(line)
                log.info("trainer", place=place, line=line)
                # A full disk must not fail the training.
                with suppress(OSError):
                    output.add(line)


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _end(process: subprocess.Popen[str]) -> None:
    """End the trainer and all processes that it has started."""
    process.terminate()
    _wait(process, END_SECONDS)
    if process.poll() is None:
        log.error("a trainer cannot be ended", process=process.pid)
        process.kill()
        _wait(process, POLL_SECONDS)
