"""Prints which services a merged pull request may delete: `python -m tools.pull_request.allowed COMMIT`.

Prints `BLUEGRID_ALLOW_DELETE=...`, a line for a workflow's environment, from the labels
`allow-delete:SERVICE` of the commit's pull requests. Reads variables that GitHub Actions sets: GITHUB_TOKEN,
GITHUB_REPOSITORY, GITHUB_API_URL; ALLOW_DELETE has more names, typed by the person who starts a run.
"""

from __future__ import annotations

import os
import sys

import httpx

_LABEL = "allow-delete:"
_TIMEOUT = 30


def allowed(client: httpx.Client, repository: str, commit: str) -> list[str]:
    """Return the services that may be deleted.

    Raises:
        httpx.HTTPError: GitHub refused, or did not answer.
    """
    answer = client.get(f"/repos/{repository}/commits/{commit}/pulls").raise_for_status()
    labels = (label["name"] for request in answer.json() for label in request["labels"])
    return [label.removeprefix(_LABEL) for label in labels if label.startswith(_LABEL)]


def main() -> int:
    """Print the line; return the exit code."""
    try:
        token, repository = os.environ["GITHUB_TOKEN"], os.environ["GITHUB_REPOSITORY"]
    except KeyError as missing:
        sys.stderr.write(f"error: {missing.args[0]} is not set; GitHub Actions sets it, or the workflow\n")
        return 1
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    by_hand = os.environ.get("ALLOW_DELETE", "").split()
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
            names = [*by_hand, *allowed(client, repository, sys.argv[1])]
    except httpx.HTTPError as error:
        sys.stderr.write(
            f"error: the labels could not be read: {error}; run it again, or name the services\n"
        )
        return 1
    sys.stdout.write(f"BLUEGRID_ALLOW_DELETE={','.join(dict.fromkeys(names))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
