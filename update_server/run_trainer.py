"""`python -m update_server.run_trainer PID COMMAND...`: becomes the command, and dies with process PID.

A trainer that outlived a killed server would write models that nobody waits for any more.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Become the command."""
    server, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before it could be said.
    if os.getppid() == server:
        os.execvp(command[0], command)  # noqa: S606 - an argument list of the registry's


if __name__ == "__main__":
    main()
