"""How the pod says why it gave up: one line, where Kubernetes and people look for it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings

EXIT_CODE = 3
"""The version cannot be served."""

TERMINATION_LOG = Path("/dev/termination-log")
"""Kubernetes makes this file and shows its text as the container's termination message."""

_KEY = "AWS_SECRET_ACCESS_KEY"
_OF_THE_STACK = (
    "pods have them from the stack: `pulumi config set --secret bluegrid:storeSecretKey`, `pulumi up`"
)


def reason_of(error: Exception, settings: Settings) -> str:
    """Why the version cannot be served; a fault of ours also leaves its trace in the log."""
    if isinstance(error, BluegridError):
        message = str(error)
        return f"{message}; {_OF_THE_STACK}" if _KEY in message else message
    structlog.get_logger().error("failed", exc_info=error)
    return (
        f"{settings.place}: bug in the model server: {type(error).__name__}: {error}; report it with the log"
    )


def give_up(reason: str) -> int:
    """Tell the reason on one line; returns the exit code."""
    line = " ".join(reason.split())
    sys.stderr.write(f"{line}\n")
    if TERMINATION_LOG.exists():
        with suppress(OSError):
            TERMINATION_LOG.write_text(line)
    return EXIT_CODE
