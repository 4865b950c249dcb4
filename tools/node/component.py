"""A process of the node, and the check by which the supervisor knows that the process works."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The argument is the start time of the process: traces of an earlier process prove nothing.
Check = Callable[[datetime], bool]
_SECONDS = 2


@dataclass(frozen=True)
class Component:
    """A process that the supervisor starts.

    Attributes:
        command: the program and its arguments.
        after: names of the components that must be ready first.
        ready: the check that it works; None: it runs once, and is ready when it has ended with code 0.
    """

    name: str
    command: tuple[str | Path, ...]
    after: tuple[str, ...] = ()
    ready: Check | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Api:
    """A client of an HTTP server; over TLS if `trusted`, a certificate file, is given."""

    address: str
    port: int
    trusted: Path | None = None
    token: str = ""

    def get(self, path: str) -> bytes | None:
        """Return the body of a response of status 200; None for another status or no response."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection = self._connection()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if answer.status == http.HTTPStatus.OK else None

    def answers(self, path: str) -> Check:
        """Return a check that passes while the server answers this path with status 200."""
        return lambda _: self.get(path) is not None

    def _connection(self) -> http.client.HTTPConnection:
        if self.trusted is None:
            return http.client.HTTPConnection(self.address, self.port, timeout=_SECONDS)
        context = ssl.create_default_context(cafile=str(self.trusted))
        return http.client.HTTPSConnection(self.address, self.port, timeout=_SECONDS, context=context)


def accepts(path: Path) -> Check:
    """Return a check that passes while a process listens on this Unix socket."""

    def check(_: datetime) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_SECONDS)
            return client.connect_ex(str(path)) == 0

    return check


def node_ready(api: Api, name: str) -> Check:
    """Return a check that passes while the node's own kubelet reports that it is ready.

    After a restart the API server still has the previous kubelet's report: only a later heartbeat counts.
    """

    def check(started: datetime) -> bool:
        body = api.get(f"/api/v1/nodes/{name}")
        conditions = json.loads(body)["status"].get("conditions", []) if body else []
        return any(
            condition["type"] == "Ready"
            and condition["status"] == "True"
            and datetime.fromisoformat(condition["lastHeartbeatTime"]) >= started.replace(microsecond=0)
            for condition in conditions
        )

    return check


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
