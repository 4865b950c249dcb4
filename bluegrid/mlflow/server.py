"""Requests to an MLflow tracking server: its REST API, and its files.

The API is small and stable, so that no client library is needed: mlflow-skinny would bring a web framework,
telemetry and a cloud's SDK. Source: mlflow.org/docs/latest/rest-api.html, and `mlflow/protos/` in its
repository.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import urllib3

URI = "MLFLOW_TRACKING_URI"
TOKEN, USER, PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
"""MLflow's own variables."""
CERTIFICATES = "MLFLOW_TRACKING_SERVER_CERT_PATH"
"""File with the CAs of the server; also MLflow's own."""
CONNECTIONS = 8
"""Requests that are sent at the same time."""
SECONDS = 60.0
"""Longest wait for a response, or for its next bytes."""
_RETRIES, _CONNECT_RETRIES = 4, 2
_BUSY = (429, 502, 503, 504)
"""Statuses of a server or proxy that may answer later."""
_API = "/api/2.0/mlflow"
_PAGE = 1000
"""Rows of a page: thousands of experiments take a few requests."""
_CHUNK = 2**20
_LONGEST = 300
"""Characters of a server's message that are shown."""


class MlflowRefused(BluegridError):  # noqa: N818 - the name is the fault
    """An MLflow server refused a request, or did not answer."""


class MlflowMissing(MlflowRefused):
    """An MLflow server has no such run, model or file."""


@dataclass(frozen=True)
class MlflowServer:
    """A tracking server; several threads may use it.

    Attributes:
        url: its address, with the path of a proxy if there is one.
        headers: of every request: the credentials.
    """

    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str] = os.environ) -> MlflowServer:
        """Return the server at an address, with the credentials of MLflow's variables.

        Raises:
            ConfigError: the address is not one of a server.
        """
        if not url.startswith(("http://", "https://")):
            raise ConfigError(
                f"--tracking-uri {url}: is not the address of a server; "
                "start one on that store (mlflow server --backend-store-uri …), and name its http address"
            )
        return cls(url.rstrip("/"), _credentials(environment))

    def get(self, path: str, /, **query: str) -> Any:
        """Return the JSON of a GET request to the API.

        Args:
            path: below `/api/2.0/mlflow`.
            query: of the request.

        Raises:
            MlflowMissing: the server does not have it.
            MlflowRefused: the server refuses, or does not answer.
        """
        return self._json("GET", f"{_API}{path}{_query(query)}", None)

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        """Return the JSON of a POST request to the API, which only searches; errors as `get`."""
        return self._json("POST", f"{_API}{path}", json.dumps(document).encode())

    def pages(self, path: str, rows: str, document: Mapping[str, Any] | None) -> Iterator[Any]:
        """Yield the rows of a search, page by page; errors as `get`.

        Args:
            path: below `/api/2.0/mlflow`.
            rows: the key of the rows in a response.
            document: the search, for POST; None: a search by GET.
        """
        token = ""
        while True:
            page: dict[str, Any] = {"max_results": _PAGE} | ({"page_token": token} if token else {})
            if document is None:
                found = self.get(path, **{key: str(value) for key, value in page.items()})
            else:
                found = self.post(path, {**document, **page})
            yield from found.get(rows, ())
            token = found.get("next_page_token") or ""
            if not token:
                return

    def download(self, path: str, into: Path, most_bytes: int) -> None:
        """Write a file of the server to a new file; errors as `get`.

        Args:
            path: with its query.
            into: the new file.
            most_bytes: the largest size that is accepted.
        """
        from urllib3.exceptions import HTTPError

        response = self._send("GET", path, None, is_streamed=True)
        received = 0
        try:
            self._check(path, response)
            with into.open("xb") as file:
                for chunk in response.stream(_CHUNK):
                    received += len(chunk)
                    if received > most_bytes:
                        raise MlflowRefused(f"{self.url}{path}: more than {most_bytes} bytes; is it a model?")
                    file.write(chunk)
        except HTTPError as error:
            raise self._silent(path, error) from None
        except OSError as error:
            raise ConfigError(f"{into}: cannot be written: {error.strerror}; free space") from None
        finally:
            response.release_conn()

    def _json(self, method: str, path: str, body: bytes | None) -> Any:
        response = self._send(method, path, body)
        self._check(path, response)
        try:
            found = json.loads(response.data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise MlflowRefused(f"{self.url}{path}: answers no JSON object; is that an MLflow server?")
        return found

    def _send(
        self, method: str, path: str, body: bytes | None, *, is_streamed: bool = False
    ) -> urllib3.BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            return self._pool.request(
                method,
                f"{self.url}{path}",
                body=body,
                headers={**self.headers, **kind},
                redirect=False,
                preload_content=not is_streamed,
            )
        except HTTPError as error:
            raise self._silent(path, error) from None

    def _silent(self, path: str, error: Exception) -> MlflowRefused:
        from urllib3.exceptions import HTTPError, MaxRetryError

        from bluegrid_registry.route_client import why_silent

        reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        remedy = "is the server up, and reachable from here?"
        why = why_silent(reason, SECONDS, remedy) if isinstance(reason, HTTPError) else str(reason)
        return MlflowRefused(f"{self.url}{path.partition('?')[0]}: does not answer: {why}")

    def _check(self, path: str, response: urllib3.BaseHTTPResponse) -> None:
        status, place = response.status, f"{self.url}{path.partition('?')[0]}"
        if status < 300:
            return
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            account = f"set {TOKEN}, or {USER} and {PASSWORD}, to an account that may read it"
            raise MlflowRefused(f"{place}: refuses these credentials (status {status}); {account}")
        if status < 400:
            raise MlflowRefused(f"{place}: redirects to {response.headers.get('Location')}; name that server")
        fault = MlflowMissing if status == HTTPStatus.NOT_FOUND else MlflowRefused
        raise fault(f"{place}: {_message(response)}")

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        # Imported here: help and completion must be quick.
        import urllib3

        from bluegrid_registry.route_client import trusted_cas

        context = None
        if self.url.startswith("https:"):
            context = trusted_cas()
            if file := os.environ.get(CERTIFICATES):
                try:
                    context.load_verify_locations(file)
                except OSError as error:
                    raise ConfigError(f"{CERTIFICATES}={file}: cannot be read: {error.strerror}") from None
        retries = urllib3.Retry(
            _RETRIES,
            connect=_CONNECT_RETRIES,
            redirect=0,
            status_forcelist=_BUSY,
            allowed_methods=None,
            backoff_factor=0.25,
            raise_on_status=False,
        )
        return urllib3.PoolManager(
            maxsize=CONNECTIONS, block=True, ssl_context=context, retries=retries, timeout=SECONDS
        )


def _credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the header of the credentials in MLflow's variables; as MLflow does, an account comes first."""
    from urllib3.util import make_headers

    if user := environment.get(USER):
        return dict(make_headers(basic_auth=f"{user}:{environment.get(PASSWORD, '')}"))
    token = environment.get(TOKEN)
    return {"authorization": f"Bearer {token}"} if token else {}


def _query(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query, quote_via=quote)}" if query else ""


def _message(response: urllib3.BaseHTTPResponse) -> str:
    try:
        text = str(json.loads(response.data)["message"])
    except (ValueError, KeyError, TypeError):
        text = f"status {response.status}"
    return " ".join(text.split())[:_LONGEST]
