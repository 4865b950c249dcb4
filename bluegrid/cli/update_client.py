"""Sends requests of commands to an update server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from urllib.error import HTTPError

SECONDS = 30.0
SERVER, TOKEN = "BLUEGRID_UPDATES", "BLUEGRID_TOKEN"

Server = Annotated[str, typer.Option(envvar=SERVER, help="Address of the update server.", metavar="URL")]
Token = Annotated[str, typer.Option(envvar=TOKEN, help="A token of the server.", show_default=False)]


def call(server: str, token: str, method: str, path: str, seconds: float = SECONDS) -> Any:
    """Send a request to an update server, and return the JSON of the response.

    Args:
        server: address of the server.
        token: sent with the request.
        method: HTTP method.
        path: with its query.
        seconds: limit for the response.

    Raises:
        ConfigError: the address is not valid.
        BluegridError: the server does not answer, or refuses; the message is the server's own.
    """
    if not server.startswith(("http://", "https://")):
        raise ConfigError(f"--server {server}: expected an address such as https://updates.example.org")
    # Imported here, because commands that may ask a server about a version mostly have none.
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    url = f"{server.rstrip('/')}{path}"
    request = Request(url, method=method, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=seconds) as answer:  # noqa: S310
            return json.load(answer)
    except HTTPError as error:
        with error:
            raise BluegridError(f"{url}: {_fault(error)}") from None
    except (URLError, OSError, ValueError) as error:
        raise BluegridError(f"{url}: does not answer: {getattr(error, 'reason', error)}") from None


def _fault(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"status {error.code}"
