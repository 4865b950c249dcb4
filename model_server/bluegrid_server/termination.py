"""Termination of a pod that gives up: the reason, on one line, in stderr and the termination message."""

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
"""Exit code of a pod whose version cannot be served."""

TERMINATION_LOG = Path("/dev/termination-log")
"""Kubernetes creates this file and shows its text as the container's termination message."""

_KEY_VARIABLE = "AWS_SECRET_ACCESS_KEY"
_REMEDY = (
    "pods have them from the stack: `pulumi config set --secret bluegrid:storeSecretKey` (an identity: "
    "bluegrid:serviceAccountAnnotations), `pulumi up`"
)


def reason_of(error: Exception, settings: Settings) -> str:
    """Return why the version cannot be served; for a bug in the server, also log the traceback."""
    if isinstance(error, BluegridError):
        message = str(error)
        return f"{message}; {_REMEDY}" if _KEY_VARIABLE in message else message
    structlog.get_logger().error("failed", exc_info=error)
    return (
        f"{settings.place}: bug in the model server: {type(error).__name__}: {error}; report it with the log"
    )


def give_up(reason: str) -> int:
    """Report the reason on one line; return the exit code."""
    line = " ".join(reason.split())
    sys.stderr.write(f"{line}\n")
    if TERMINATION_LOG.exists():
        with suppress(OSError):
            TERMINATION_LOG.write_text(line)
    return EXIT_CODE
