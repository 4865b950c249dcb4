"""Sends requests of commands to an update server."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    import urllib3

SECONDS = 30.0
SERVER, TOKEN = "BLUEGRID_UPDATES", "BLUEGRID_TOKEN"

Server = Annotated[str, typer.Option(envvar=SERVER, help="Address of the update server.", metavar="URL")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar=f"{TOKEN}_FILE",
        help=f"File with a token of the server. Default: the token in the variable {TOKEN}.",
    ),
]
Token = Annotated[
    str | None,
    # Every user of a machine can read a command's arguments, and a shell keeps them.
    typer.Option(envvar=TOKEN, hidden=True, show_default=False),
]

UpdateId = Annotated[int, typer.Argument(metavar="UPDATE", help="The update, e.g. 7.", min=1)]


class ServerSilent(BluegridError):  # noqa: N818 - the name is the fault
    """An update server did not answer."""


@dataclass(frozen=True)
class UpdateServer:
    """An update server, and the token of the requests to it.

    Attributes:
        url: its address, without a path.
        token: one of its tokens.
        seconds: limit for a response.
    """

    url: str
    token: str
    seconds: float = SECONDS

    @classmethod
    def of(cls, url: str, token: str | None, token_file: Path | None = None) -> UpdateServer:
        """Return the server of a command's options; ConfigError if one is missing or not valid."""
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"--server {url}: expected an address such as https://updates.example.org")
        if token_file is not None:
            token = _read(token_file)
        if not token:
            raise ConfigError(f"no token of {url} is named; set {TOKEN}, or name a file: --token-file FILE")
        return cls(url.rstrip("/"), token)

    def call(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request, and return the JSON of the response.

        Args:
            method: of HTTP.
            path: with its query.
            document: the body; None: there is none.
            headers: besides those of every request.

        Raises:
            ServerSilent: the server does not answer.
            BluegridError: the server refuses; the message is the server's own.
        """
        body = None if document is None else json.dumps(document).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._send(method, path, body, {**kind, **(headers or {})})

    def upload(self, digest: str, file: BinaryIO, size: int, progress: Callable[[int], None]) -> None:
        """Send a file under its digest; errors as of `call`.

        Args:
            digest: `sha256:` and 64 hexadecimal digits.
            file: at its start.
            size: in bytes.
            progress: called with the number of bytes that were read to be sent.
        """
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", f"/uploads/{digest}", _Watched(file, progress), headers)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        from urllib3.exceptions import HTTPError

        from bluegrid_registry.route_client import why_silent

        url = f"{self.url}{path}"
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers={**headers, "Authorization": f"Bearer {self.token}"},
                timeout=self.seconds,
                retries=False,
                redirect=False,
            )
        except HTTPError as error:
            why = why_silent(error, self.seconds, "is it up, and reachable from here?")
            raise ServerSilent(f"{url}: does not answer: {why}") from None
        if answer.status >= 300:
            raise BluegridError(f"{url}: {_fault(answer)}")
        try:
            return json.loads(answer.data)
        except ValueError:
            raise BluegridError(f"{url}: answers no JSON; is that an update server?") from None

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        # Imported here: commands whose server is not named must be quick.
        import urllib3

        from bluegrid_registry.route_client import trusted_cas

        return urllib3.PoolManager(ssl_context=trusted_cas() if self.url.startswith("https:") else None)


@dataclass(frozen=True)
class _Watched:
    """A file that reports what is read of it."""

    file: BinaryIO
    progress: Callable[[int], None]

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.progress(len(data))
        return data


def server_in_environment(seconds: float = SECONDS) -> UpdateServer | None:
    """Return the server that the environment names; None: it does not name a server and a token."""
    url, token, file = (os.environ.get(name) for name in (SERVER, TOKEN, f"{TOKEN}_FILE"))
    if not url or not (token or file):
        return None
    named = UpdateServer.of(url, token, Path(file) if file else None)
    return UpdateServer(named.url, named.token, seconds)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"--token-file {file}: cannot be read: {reason}") from None


def _fault(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(json.loads(answer.data)["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status}"
