"""GitHub and GitLab: the request that a workflow runs for, its labels and its comments.

Everything comes from variables that they set in their runs:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from bluegrid.previews import MARK
from bluegrid_registry import BluegridError, ConfigError
from bluegrid_registry.route_client import trusted_cas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LABEL = "allow-delete:"
"""A label that lets a live service go, before the service's name."""
_PAGE = 100
"""Rows of a page of a list: the most that both give."""
_SECONDS = 30.0


@dataclass(frozen=True)
class ChangeRequest:
    """The pull request or merge request that a workflow runs for.

    Attributes:
        number: of the request.
        base: the commit that it would be merged into, or branched off from.
        labels: names of its labels.
    """

    number: str
    base: str
    labels: Sequence[str]


@dataclass(frozen=True)
class Forge(ABC):
    """What hosts a repository and its requests.

    Attributes:
        url: of its API.
        repository: as the API names it.
        headers: with the token.
    """

    url: str
    repository: str
    headers: Mapping[str, str]

    @abstractmethod
    def comment(self, number: str, text: str) -> str:
        """Write the report's comment of a request, or rewrite it; return its URL."""

    @abstractmethod
    def labels_of(self, commit: str) -> list[str]:
        """Return the labels of the requests that brought a commit."""

    def _send(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        url = f"{self.url}{path}"
        encoded = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        context = trusted_cas() if url.startswith("https:") else None
        with urllib3.PoolManager(ssl_context=context) as pool:
            try:
                answer = pool.request(
                    method, url, body=encoded, headers=headers, timeout=_SECONDS, retries=False
                )
            except HTTPError as error:
                raise BluegridError(f"{method} {url}: {error}") from None
        if answer.status >= 400:
            raise BluegridError(f"{method} {url}: status {answer.status}{_message(answer.data)}")
        return json.loads(answer.data)

    def _rows(self, path: str, **query: str) -> Iterator[Mapping[str, Any]]:
        """Return the rows of a list, of all its pages."""
        page = 1
        while True:
            words = urlencode({**query, "per_page": _PAGE, "page": page})
            rows = self._send("GET", f"{path}?{words}")
            yield from rows
            if len(rows) < _PAGE:
                return
            page += 1

    def _earlier(self, path: str) -> int | None:
        """Return the ID of the comment in a list that an earlier run has written."""
        return next((int(row["id"]) for row in self._rows(path) if row["body"].startswith(MARK)), None)


class GitHub(Forge):
    """GitHub, or a GitHub Enterprise Server: https://docs.github.com/en/rest/issues/comments."""

    def comment(self, number: str, text: str) -> str:
        """See `Forge`."""
        issues = f"/repos/{self.repository}/issues"
        earlier = self._earlier(f"{issues}/{number}/comments")
        path = f"{issues}/{number}/comments" if earlier is None else f"{issues}/comments/{earlier}"
        answer = self._send("POST" if earlier is None else "PATCH", path, {"body": text})
        return str(answer["html_url"])

    def labels_of(self, commit: str) -> list[str]:
        """See `Forge`."""
        requests = self._rows(f"/repos/{self.repository}/commits/{commit}/pulls")
        return [label["name"] for request in requests for label in request["labels"]]


class GitLab(Forge):
    """GitLab, also of one's own: https://docs.gitlab.com/api/notes/."""

    def comment(self, number: str, text: str) -> str:
        """See `Forge`."""
        request = f"/projects/{quote(self.repository, safe='')}/merge_requests/{number}"
        earlier = self._earlier(f"{request}/notes")
        path = f"{request}/notes" if earlier is None else f"{request}/notes/{earlier}"
        note = self._send("POST" if earlier is None else "PUT", path, {"body": text})
        return f"{self._send('GET', request)['web_url']}#note_{note['id']}"

    def labels_of(self, commit: str) -> list[str]:
        """See `Forge`."""
        project = f"/projects/{quote(self.repository, safe='')}"
        requests = self._rows(f"{project}/repository/commits/{commit}/merge_requests", state="merged")
        return [str(label) for request in requests for label in request["labels"]]


def forge(environ: Mapping[str, str] = os.environ) -> Forge:
    """Return the forge that this workflow runs on.

    Raises:
        ConfigError: its address, the repository or a token is missing.
    """
    if "CI_API_V4_URL" in environ:
        repository, token = _required(environ, "CI_PROJECT_ID", "GITLAB_TOKEN")
        return GitLab(environ["CI_API_V4_URL"], repository, {"PRIVATE-TOKEN": token})
    repository, token = _required(environ, "GITHUB_REPOSITORY", "GITHUB_TOKEN")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return GitHub(environ.get("GITHUB_API_URL", "https://api.github.com"), repository, headers)


def change_request(environ: Mapping[str, str] = os.environ) -> ChangeRequest | None:
    """Return the request that this workflow runs for; None if it runs for none, or by hand."""
    if number := environ.get("CI_MERGE_REQUEST_IID"):
        labels = environ.get("CI_MERGE_REQUEST_LABELS", "").split(",")
        return ChangeRequest(number, environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""), labels)
    if event := environ.get("GITHUB_EVENT_PATH"):
        try:
            request = json.loads(Path(event).read_bytes()).get("pull_request")
        except (OSError, ValueError) as error:
            raise ConfigError(f"{event}: the event cannot be read: {error}") from None
        if request:
            labels = [label["name"] for label in request["labels"]]
            return ChangeRequest(str(request["number"]), request["base"]["sha"], labels)
    return None


def allowed_by(labels: Sequence[str]) -> list[str]:
    """Return the services that labels allow to be deleted."""
    return [label.removeprefix(_LABEL) for label in labels if label.startswith(_LABEL)]


def _required(environ: Mapping[str, str], *names: str) -> list[str]:
    if missing := [name for name in names if not environ.get(name)]:
        raise ConfigError(f"{', '.join(missing)} is not set; the workflow's runner sets it, or the workflow")
    return [environ[name] for name in names]


def _message(body: bytes) -> str:
    """Return what an answer says of its status, which can be a text or a list of mistakes."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {message}"
