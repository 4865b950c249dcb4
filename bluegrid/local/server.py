"""A model server as a child process: `python -m bluegrid_server`, as a pod runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from bluegrid.operations import ServiceUrl
from bluegrid_registry import BluegridError, ConfigError
from bluegrid_registry.contract import service_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from bluegrid.local.version import LocalVersion

_SERVER = "bluegrid_server"
_POLL_SECONDS = 0.05
_PROBE_SECONDS = 2.0
"""How long an answer about the readiness may take."""
_STOP_SECONDS = 30.0
"""How long open requests may take after the end of the server was requested, before it is killed."""
_ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - names of what the user asks for


def require_linux() -> None:
    """Raise ConfigError on a system on which the model server does not run."""
    if sys.platform != "linux":
        raise ConfigError(
            f"serving needs Linux, this is {sys.platform}; serve in a container, as docs/install.md describes"
        )


def require_server() -> None:
    """Raise ConfigError if this machine cannot run the model server."""
    require_linux()
    if importlib.util.find_spec(_SERVER) is None:
        raise ConfigError("serving needs the model server: pip install 'bluegrid[serve]'")


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class LocalServer:
    """A server of one version; on exit from the context it ends, with all of its processes.

    Args:
        version: what is served.
        folder: an existing folder for the models' files; the caller removes it afterwards.
        host: address to listen on.
        port: port to listen on.
        workers: number of worker processes.
        warn: called with each warning that the server logs, on any thread.
    """

    def __init__(
        self,
        version: LocalVersion,
        folder: Path,
        *,
        host: str,
        port: int,
        workers: int = 1,
        warn: Callable[[str], None],
    ) -> None:
        self._version = version
        self._variables = {
            **version.environment,
            "BLUEGRID_MODELS": str(folder / "models"),
            "BLUEGRID_HOST": host,
            "BLUEGRID_PORT": str(port),
            "BLUEGRID_WORKERS": str(workers),
        }
        self._address = host, port
        shown = _ALL_ADDRESSES.get(host, f"[{host}]" if ":" in host else host)
        self.url = f"http://{shown}:{port}{service_path(version.service)}"
        self._warn = warn
        self._last = ""
        """Last line that the server has printed and that is not of its log: why it ended."""
        self._process: subprocess.Popen[str]
        self._reader: threading.Thread

    def __enter__(self) -> LocalServer:
        # First: another server at this address could be taken for this one.
        _require_free(*self._address)
        # In a process group of its own: Ctrl-C reaches this process only, which then ends the server.
        # -P: a file of the working directory, such as numpy.py, is not imported.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _SERVER, "attached"],
            env=_without_ours(os.environ) | self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        # Interrupted again: nobody waits for open requests.
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def wait_until_ready(self, progress: Callable[[str], None]) -> None:
        """Wait until the server answers requests.

        Args:
            progress: called with why it does not answer yet, as often as that changes.

        Raises:
            BluegridError: the version cannot be served; the message is the server's.
        """
        client, shown = ServiceUrl(self.url), ""
        while self._process.poll() is None:
            try:
                ready = client.get("v2/health/ready", _PROBE_SECONDS)
            except BluegridError:
                ready = {"ready": False}
            if self._process.poll() is None and ready.get("ready"):
                return
            reason = str(ready.get("reason") or "starting")
            if reason != shown:
                progress(reason)
                shown = reason
            time.sleep(_POLL_SECONDS)
        raise self._ended()

    def wait(self) -> None:
        """Wait for the end of the server; raise BluegridError with the reason if it ends by itself."""
        self._process.wait()
        raise self._ended()

    def _ended(self) -> BluegridError:
        self._reader.join()
        return BluegridError(self._last or f"the server ended with status {self._process.returncode}")

    def _read(self) -> None:
        for line in self._process.stdout or ():
            event = _log_event(line)
            if event is None:
                self._last = line.strip() or self._last
            elif event.get("level") in ("warning", "error", "critical"):
                self._warn(_in_words(event))


def _require_free(host: str, port: int) -> None:
    """Raise ConfigError if nothing can listen there."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        # Errors of names have numbers below 0, and a text of their own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        fault = f"cannot listen on {host}, port {port}: {why}"
        raise ConfigError(f"{fault}; choose another --port, or end what listens there") from None


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without our settings: the server would take some of them for its own."""
    return {name: value for name, value in environ.items() if not name.startswith("BLUEGRID_")}


def _log_event(line: str) -> Mapping[str, Any] | None:
    """Return what a line of the server's log has; None: the line is not of its log."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _in_words(event: Mapping[str, Any]) -> str:
    facts = [
        f"{name} {value}" for name, value in event.items() if name not in ("event", "level", "timestamp")
    ]
    return " ".join(": ".join([str(event["event"]), *facts]).split())
