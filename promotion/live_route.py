"""`pulumi up` of one service's live route, and it alone.

Another cluster of the stack that cannot start must not hold up a switch.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from model_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_URN = "urn:pulumi:{stack}::bluegrid::**::{service}"
_ERROR = "error: "
_NO_NEWS = f"{_ERROR}update failed"


class UpFailed(BluegridError):  # noqa: N818 - named after what happened
    """`pulumi up` ended with another exit code than 0; the message is its own, on one line."""


def target(service: str, stack: str) -> list[str]:
    """Return the options by which `pulumi` touches the live route of a service alone."""
    return ["--stack", stack, "--target", _URN.format(stack=stack, service=service)]


def up_command(service: str, stack: str, config_file: Path | str | None) -> list[str]:
    """Return the command; without a file, Pulumi finds the stack's own.

    It reads the route anew: after an update that was interrupted in the gate, the state has the old backend
    and Kubernetes the new one, and without a look Pulumi would find nothing to do.
    """
    more = [] if config_file is None else ["--config-file", str(config_file)]
    return ["pulumi", "up", "--yes", "--skip-preview", "--refresh", *target(service, stack), *more]


def up(service: str, stack: str, config_file: Path) -> None:
    """Run it, and wait for it.

    Raises:
        UpFailed: it did not succeed.
        KeyboardInterrupt: we were interrupted; Pulumi was told so, and has ended in good order.
        ConfigError: there is no `pulumi`.
    """
    with _running([*up_command(service, stack, config_file), "--non-interactive"]) as pulumi:
        told, _ = pulumi.communicate()
    if pulumi.returncode != 0:
        raise UpFailed(f"pulumi up: {_reason(told.splitlines()) or f'exit code {pulumi.returncode}'}")


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program that is interrupted by us, and never killed: a killed Pulumi leaves its stack locked."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Else the terminal's Ctrl-C would reach it beside ours, and two make it drop all it does.
            process_group=0,
        )
    except FileNotFoundError:
        raise ConfigError(f"{command[0]} is not on PATH; install it, and run this again") from None
    try:
        yield process
    except KeyboardInterrupt:
        _interrupt(process)
        raise


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Have it end, as Ctrl-C would: the first time when its current step is done, the second at once."""
    while True:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate()
        except KeyboardInterrupt:
            continue
        return


def _reason(lines: Sequence[str]) -> str:
    """Return the errors among what Pulumi prints, each once."""
    errors = [line.strip() for line in lines if line.strip().startswith(_ERROR)]
    told = dict.fromkeys(error.removeprefix(_ERROR) for error in errors if error != _NO_NEWS)
    return "; ".join(told) or next((line.strip() for line in reversed(lines) if line.strip()), "")
