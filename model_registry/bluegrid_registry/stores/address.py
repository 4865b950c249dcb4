"""Parses the addresses of stores, and refuses ambiguous ones.

A refusal shows no part of an address that may be a secret: people paste keys into addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from bluegrid_registry.errors import ConfigError

_FORMS = "write file:///folder or s3://bucket/prefix?endpoint=http://host:port&region=us-east-1"
_OPTIONS = ("endpoint", "region", "addressing")
_BUCKET = re.compile(r"[A-Za-z0-9._-]+")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_NAME = re.compile(r"[a-z-]{1,12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Account:
    """Credentials for a server."""

    access_key: str
    secret_key: str = field(repr=False)
    ca_bundle: Path | None = None
    """PEM file of the CA to trust for the server; None: the AWS environment's."""


@dataclass(frozen=True)
class Bucket:
    """Address of a store in a bucket."""

    name: str
    """Name of the bucket, which must exist."""
    prefix: str
    """Prefix of all keys, without slashes at both ends; may be empty."""
    endpoint: str | None = None
    """The server's URL; None: AWS."""
    region: str | None = None
    """The bucket's region; None: us-east-1."""
    addressing: Literal["path", "virtual"] | None = None
    """`path` or `virtual` (the bucket's name in the host name); None: path if there is an endpoint."""
    account: Account | None = None
    """Credentials; None: the AWS environment's."""

    @property
    def url(self) -> str:
        """The address, for messages."""
        return f"s3://{self.name}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


def parse_address(address: str) -> Path | Bucket:
    """Return the folder or the bucket that `address` names.

    Raises:
        ConfigError: `address` is neither, or has a part that would be ignored.
    """
    if _CONTROL.search(address) or address != address.strip():
        _refuse(address, "has blanks around it, or control characters")
    if "#" in address:
        _refuse(address, "has a fragment; write %23 for a # in a name")
    scheme, _, rest = address.partition("://")
    place, mark, query = rest.partition("?")
    host, _, path = place.partition("/")
    scheme = scheme.lower()
    if scheme == "file":
        if host or mark:
            _refuse(address, "of a folder has neither a host nor options")
        return _folder(address, _decoded(address, path))
    if scheme != "s3":
        _refuse(address, "begins with neither file:// nor s3://")
    if "@" in host or ":" in host:
        where = "credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        _refuse(address, f"holds credentials or a port; {where}")
    if not _BUCKET.fullmatch(host):
        _refuse(address, "names no bucket")
    options = _options(address, query) if mark else {}
    return Bucket(host, _decoded(address, path).strip("/"), **options)


def _folder(address: str, path: str) -> Path:
    if not path.strip("/"):
        _refuse(address, "names no folder")
    return Path(f"/{path}")


def _decoded(address: str, path: str) -> str:
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        _refuse(address, "has %-escapes that are not UTF-8")
    if _CONTROL.search(decoded):
        _refuse(address, "has control characters")
    return decoded


def _options(address: str, query: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        _refuse(address, "has an option without a value")
    names = [name for name, _ in pairs]
    for name, value in pairs:
        if name not in _OPTIONS:
            # Any other text may be a secret.
            shown = f"option {name}" if _NAME.fullmatch(name) else "option"
            _refuse(address, f"has an {shown} that is not known; known are {', '.join(_OPTIONS)}")
        if not value.strip():
            _refuse(address, f"has an empty {name}; leave it out, or set the variable that it comes from")
        if names.count(name) > 1:
            _refuse(address, f"has {name} twice; keep one")
    options = dict(pairs)
    if "endpoint" in options:
        _check_endpoint(address, options["endpoint"])
    if not _REGION.fullmatch(options.get("region", "us-east-1")):
        _refuse(address, "has an invalid region")
    if options.get("addressing", "path") not in ("path", "virtual"):
        _refuse(address, "has another addressing than path or virtual")
    return options


def _check_endpoint(address: str, endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if "@" in endpoint:
        _refuse(address, "has an endpoint with credentials; they come from AWS_ACCESS_KEY_ID and so on")
    try:
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or re.search(r"\s", endpoint):
        shown = f"Invalid endpoint: {endpoint.partition('?')[0]}"
        _refuse(address, f"is invalid: {shown}; an endpoint is http://host:port or https://host")


def _refuse(address: str, fault: str) -> NoReturn:
    raise ConfigError(f"store{_shown(address)}: the address {fault}; {_FORMS}") from None


def _shown(address: str) -> str:
    """Return the parts of the address that are never secret: scheme, bucket or folder, and prefix."""
    scheme, _, rest = address.partition("://")
    place, *options = re.split("[?#]", rest, maxsplit=1)
    if scheme.lower() not in ("file", "s3"):
        return ""
    if "@" in place or ":" in place or _CONTROL.search(place):
        return f" {scheme}://…"
    return f" {scheme}://{place}" + ("?…" if options else "")
