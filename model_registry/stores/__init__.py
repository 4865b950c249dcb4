"""Stores: where packs, manifests and commits are kept."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from model_registry.errors import ConfigError
from model_registry.stores.base import Store
from model_registry.stores.file import FileStore

__all__ = ["Store", "open_store"]

_FORMS = "write file:///folder or s3://bucket/prefix?endpoint=http://host:port&region=us-east-1"


def open_store(url: str) -> Store:
    """Return the store at `url`.

    `file:///folder` is a folder; `s3://bucket/prefix?endpoint=...&region=...` a bucket of any S3 server (AWS
    without `endpoint`), with credentials from the AWS environment. Nothing is sent before the first use.

    Raises:
        ConfigError: the URL names no store.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and path.strip("/") and not parts.query:
        return FileStore(Path(path))
    options = dict(parse_qsl(parts.query))
    if parts.scheme == "s3" and parts.netloc and options.keys() <= {"endpoint", "region"}:
        # Here, because boto3 takes as long to load as all the rest: who only reads the registry goes without.
        from model_registry.stores.s3 import S3Store

        return S3Store(parts.netloc, path.strip("/"), options.get("endpoint"), options.get("region"))
    raise ConfigError(f"store {url!r} is no store's address; {_FORMS}")
