"""Runs Pulumi: by its CLI, in the project's folder, interrupted as by Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from bluegrid.project.programs import not_on_path
from bluegrid.project.project import Project
from bluegrid.project.urns import Urns
from bluegrid.signals import signals_interrupt
from bluegrid_registry import BluegridError, ConfigError, contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid.project.stack_files import Stack
    from bluegrid.project.targets import PartialUpdate, Target

AT_ONCE: dict[str, str] = {contract.AT_ONCE: "1"}
"""Variable for bluegrid_components/proofs/takeover.py: the route waits for no pods."""
_GARBAGE = {"GOGC": "200"}
"""How far the heap of Pulumi grows before a garbage collection, in percent; Go's own default is 100.

An update among 500 services takes a fifth less CPU by it, and a tenth more memory, which follows the size of
the state; 400 takes half as much memory again and hardly less CPU. The user's own value prevails.
"""
_STATE_SECONDS = 60.0
"""How long reading a stack's state may take."""
_STATE_TRIES = 3
_HALF_WRITTEN = "failed to load checkpoint: EOF"
"""Pulumi's error where another update is writing the state (findings/pulumi-reads-its-own-outputs.sh)."""
_NO_STACK = "no stack named"
"""Part of Pulumi's error for a stack that was never made."""
_ERROR = "error: "
_UNSPECIFIC = f"{_ERROR}update failed"
_NEVER_UP = re.compile(
    r"depends on 'urn:pulumi:(?P<stack>[^:]+)::.*::(?P<name>[^:']+)' which .*not specified in --target list"
)


class UpFailed(BluegridError):  # noqa: N818 - named after what happened
    """`pulumi up` failed; the message is Pulumi's own, on one line."""


def up_command(
    update: PartialUpdate, stack: str, config_file: Path | str | None, *, refresh: bool = True
) -> list[str]:
    """Return `pulumi up` of some resources alone.

    Args:
        update: the resources.
        stack: name of the stack.
        config_file: its settings; None: Pulumi finds them by itself.
        refresh: whether the resources are read again; otherwise they are known to be as in the state.
    """
    more = [] if config_file is None else ["--config-file", str(config_file)]
    options = update.refreshed if refresh else update.targets
    return ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack, *options, *more]


def up(target: Target, stack: Stack, *, at_once: bool = False) -> None:
    """Run `pulumi up` of a target alone, and wait for it.

    Args:
        target: the resources to update.
        stack: of the resources.
        at_once: whether the route does not wait for pods of a cluster that takes over.

    Raises:
        UpFailed: Pulumi failed.
        KeyboardInterrupt: this process was interrupted; so was Pulumi, which has ended in good order.
        ConfigError: there is no `pulumi`, or the working directory is in no project.
    """
    update = target.update(Urns(Project.find().name, stack.name, stack.with_gateway))
    variables = {**update.variables, **(AT_ONCE if at_once else {})}
    command = [*up_command(update, stack.name, stack.file), "--non-interactive"]
    with _running(command, variables) as pulumi:
        printed, _ = pulumi.communicate()
    if pulumi.returncode != 0:
        raise UpFailed(f"pulumi up: {reason_of(printed.splitlines()) or f'exit code {pulumi.returncode}'}")


def run_attached(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run Pulumi on the user's terminal, with its output and questions; return the exit code.

    Args:
        command: with its arguments.
        variables: added to the environment of this process.
    """
    with (
        pulumi_environment(variables) as environment,
        subprocess.Popen(command, env=environment) as process,
        # Otherwise Pulumi would run on alone, and nobody would take the edit back.
        signals_interrupt(lambda *_: process.send_signal(signal.SIGINT)),
    ):
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal interrupts Pulumi too, which ends in good order; a kill would leave a lock.
                continue


def exported_state(stack: str, program: Path | None = None) -> dict[str, Any] | None:
    """Return the state of a stack, with its version of the format; None: there is no such stack.

    Args:
        stack: name of the stack.
        program: folder of the Pulumi program; None: the working directory.

    Raises:
        ConfigError: there is no `pulumi`, or the state cannot be read.
    """
    for _ in range(_STATE_TRIES):
        done = _export(stack, program)
        if _HALF_WRITTEN not in done.stderr:
            break
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        if _NO_STACK in last:
            return None
        raise ConfigError(f"the state of stack {stack} cannot be read: {last}")
    state: dict[str, Any] = from_json(done.stdout)
    return state


def exported_resources(stack: str, program: Path | None = None) -> list[dict[str, Any]] | None:
    """Return the resources in the state of a stack, as `exported_state` does."""
    state = exported_state(stack, program)
    return None if state is None else state["deployment"].get("resources", [])


def _export(stack: str, program: Path | None) -> subprocess.CompletedProcess[str]:
    command = ("pulumi", "stack", "export", "--stack", stack, "--non-interactive")
    try:
        return subprocess.run(
            command, cwd=program, capture_output=True, text=True, timeout=_STATE_SECONDS, check=False
        )
    except FileNotFoundError:
        raise not_on_path("pulumi") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"the state of stack {stack} was not read in {_STATE_SECONDS:g} s") from None


@contextmanager
def pulumi_environment(variables: Mapping[str, str] = MappingProxyType({})) -> Iterator[dict[str, str]]:
    """Yield the environment for a run of Pulumi; what the run leaves in TMPDIR is removed after it.

    The provider for Kubernetes leaves a kubeconfig with its credentials there
    (findings/pulumi-kubernetes-leaves-kubeconfigs.sh).

    Args:
        variables: added to the environment of this process.
    """
    # A plugin that outlives Pulumi may still write there: the run's result does not depend on that.
    with TemporaryDirectory(prefix="bluegrid-", ignore_cleanup_errors=True) as folder:
        yield {**_GARBAGE, **os.environ, "TMPDIR": folder, **variables}


@contextmanager
def _running(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program; interrupt it, and never kill it: a killed Pulumi leaves its stack locked."""
    with pulumi_environment(variables) as environment:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                # Otherwise Pulumi would get the terminal's Ctrl-C and ours; two make it end at once.
                process_group=0,
            )
        except FileNotFoundError:
            raise not_on_path(command[0]) from None
        try:
            yield process
        except KeyboardInterrupt:
            _interrupt(process)
            raise


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Interrupt Pulumi: the first Ctrl-C ends it after its current step, the second at once."""
    while True:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate()
        except KeyboardInterrupt:
            continue
        return


def reason_of(lines: Sequence[str]) -> str:
    """Return the errors in Pulumi's output, each once."""
    errors = [line.strip() for line in lines if line.strip().startswith(_ERROR)]
    reasons = dict.fromkeys(_plain(error.removeprefix(_ERROR)) for error in errors if error != _UNSPECIFIC)
    return "; ".join(reasons) or next((line.strip() for line in reversed(lines) if line.strip()), "")


def _plain(error: str) -> str:
    """Return Pulumi's error; instead of one about targets, which no user has named, return what to do."""
    if missing := _NEVER_UP.search(error):
        stack = missing["stack"]
        return f"stack {stack} has no {missing['name']} yet; bring it up once: `pulumi up --stack {stack}`"
    return error
