"""The account by which an S3 server knows this process: keys, or a role that its cloud gives it.

A cluster's webhook puts the name of a role and the path of a projected token into a pod's environment;
botocore trades the token for the keys of a session, and does so again before the session ends.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_KEY = "AWS_ACCESS_KEY_ID"
_ROLE = "AWS_ROLE_ARN"
_TOKEN = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
_AGENT = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
"""Variable of EKS Pod Identity."""

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_TRUST = "check that its trust policy names the cluster's identity provider and the ServiceAccount"


def remedy_of_refusal() -> str:
    """Return what to check if the server refuses this process' account."""
    if os.environ.get(_KEY):
        return f"{_KEYS}, and their rights"
    if role := os.environ.get(_ROLE):
        return f"check the rights of role {role}"
    if os.environ.get(_AGENT):
        return "check the rights of the role that EKS Pod Identity gives this process"
    return f"{_KEYS}, and their rights"


def no_credentials() -> str:
    """Return the fault and the remedy if this process has no account at all."""
    return f"no credentials; {_KEYS}, or the identity that the cloud gives this process ({_ROLE} is not set)"


def refused_role(error: ClientError) -> str | None:
    """Return the fault and the remedy if the token was refused; None: it is another request's refusal."""
    if error.operation_name != "AssumeRoleWithWebIdentity":
        return None
    details = error.response["Error"]
    why = f"{details.get('Code', '')}: {details.get('Message', '')}"
    return f"role {os.environ.get(_ROLE, '')}: refused ({' '.join(why.split())}); {_TRUST}"


def unreadable_token(error: OSError) -> str | None:
    """Return the fault and the remedy if the token cannot be read; None: it is another file's error."""
    path = os.environ.get(_TOKEN)
    if not path or error.filename != path:
        return None
    fault = f"{_TOKEN} {path} cannot be read: {error.strerror}"
    return f"no credentials: {fault}; restart the pod, or look at the webhook that gives pods their token"
