"""A trainer ends with the server that runs it."""

from __future__ import annotations

import subprocess
import sys

import psutil


def test_all_that_a_trainer_has_started_ends_with_a_server_that_is_killed() -> None:
    trainer = "setsid sleep 600 & echo $!; exec sleep 600"
    server = (
        "import os, subprocess, sys; subprocess.run([sys.executable, '-m',"
        f" 'bluegrid.updates.publishing.run_trainer', str(os.getpid()), 'sh', '-c', {trainer!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        daemon = int(process.stdout.readline())
        process.kill()
        # No process holds the pipe any more.
        assert process.stdout.read() == ""
    assert not psutil.pid_exists(daemon)
