"""Runs git without prompts and with a time limit.

GitError                git refused or failed; the message ends with git's message
├── GitAway             the remote did not answer, or refused the login: a later try may succeed
└── PushRejected        somebody else has pushed meanwhile, or a rule of the remote refuses the push
"""

from __future__ import annotations

import os
import signal
import subprocess

from bluegrid_registry.errors import BluegridError

COMMITTER_EMAIL = "bluegrid@localhost"
COMMITTER = {"GIT_COMMITTER_NAME": "bluegrid", "GIT_COMMITTER_EMAIL": COMMITTER_EMAIL}
GIT_SECONDS = 120
REMOTE_SECONDS = 30
"""Time limit of a fetch or a push: the registry is small, and other threads wait for the clone."""
_BY_RULE = ("[rejected]", "[remote rejected]", "hook declined", "non-fast-forward")
"""Texts of git if the remote has answered and refused the push."""


class GitError(BluegridError):
    """git refused or failed; the message ends with git's message."""


class GitAway(GitError):  # noqa: N818 - what happened
    """The remote did not answer, or refused the login."""


class PushRejected(GitError):  # noqa: N818 - what happened
    """Somebody else has pushed meanwhile, or a rule refuses the push: nothing has changed."""


def run_git(*arguments: str, seconds: float = GIT_SECONDS) -> str:
    """Run git, and return its output, without space around it.

    Raises:
        GitError: git failed, or took too long.
    """
    return run_git_bytes(*arguments, seconds=seconds).decode(errors="replace").strip()


def run_git_bytes(*arguments: str, seconds: float = GIT_SECONDS) -> bytes:
    """Run git, and return its output.

    Raises:
        GitError: git failed, or took too long.
    """
    environment = os.environ | COMMITTER | {"GIT_TERMINAL_PROMPT": "0"}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10")
    try:
        process = subprocess.Popen(
            ("git", *arguments),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A process group, so that the programs that git starts for a remote end with git.
            process_group=0,
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from None
    with process:
        try:
            out, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise GitError(f"git failed: no answer within {seconds:.0f} s") from None
    if process.returncode != 0:
        message = " ".join((errors or out).decode(errors="replace").split())
        raise GitError(f"git failed: {message or f'exit code {process.returncode}'}")
    return out


def refusal(error: GitError) -> GitError:
    """Return the error for a failed push: the remote refused it, or did not answer."""
    is_refused = any(words in str(error) for words in _BY_RULE)
    return PushRejected(str(error)) if is_refused else GitAway(str(error))
