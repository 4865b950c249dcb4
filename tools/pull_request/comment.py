"""Keeps one report under a pull request: `python -m tools.pull_request.comment FILE`.

Reads variables that GitHub Actions sets: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL; PULL_REQUEST is the
number of the pull request.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx

from bluegrid.previews import MARK

_PAGE = 100
_TIMEOUT = 30


def comment(client: httpx.Client, repository: str, number: str, text: str) -> str:
    """Write or rewrite the comment; return its URL.

    Raises:
        httpx.HTTPError: GitHub refused, or did not answer.
    """
    there = _find(client, f"/repos/{repository}/issues/{number}/comments")
    if there is None:
        answer = client.post(f"/repos/{repository}/issues/{number}/comments", json={"body": text})
    else:
        answer = client.patch(f"/repos/{repository}/issues/comments/{there}", json={"body": text})
    return str(answer.raise_for_status().json()["html_url"])


def _find(client: httpx.Client, url: str) -> int | None:
    """Return the ID of the comment that an earlier run has written."""
    page = 1
    while True:
        rows = client.get(url, params={"per_page": _PAGE, "page": page}).raise_for_status().json()
        for row in rows:
            if row["body"].startswith(MARK):
                return int(row["id"])
        if len(rows) < _PAGE:
            return None
        page += 1


def main() -> int:
    """Write the comment; return the exit code."""
    try:
        token, repository = os.environ["GITHUB_TOKEN"], os.environ["GITHUB_REPOSITORY"]
        number = os.environ["PULL_REQUEST"]
    except KeyError as missing:
        sys.stderr.write(f"error: {missing.args[0]} is not set; GitHub Actions sets it, or the workflow\n")
        return 1
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
            sys.stdout.write(f"{comment(client, repository, number, Path(sys.argv[1]).read_text())}\n")
    except httpx.HTTPError as error:
        sys.stderr.write(f"error: the comment could not be written: {error}; the report is in the summary\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
