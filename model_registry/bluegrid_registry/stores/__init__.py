"""Stores of packs, manifests and commits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bluegrid_registry.stores.address import Account, parse_address
from bluegrid_registry.stores.base import Store
from bluegrid_registry.stores.file import FileStore

__all__ = ["Account", "Store", "open_store"]


def open_store(url: str, account: Account | None = None) -> Store:
    """Return the store at `url`.

    `file:///folder` is a folder; `s3://bucket/prefix?endpoint=...&region=...` a bucket of any S3 server (AWS
    without `endpoint`), with credentials from the AWS environment, or those of `account`.
    `addressing=virtual` puts the bucket's name into the endpoint's host name. No request is sent before the
    first use.

    Raises:
        ConfigError: the URL is not the address of a store, or has a part that would be ignored.
    """
    place = parse_address(url)
    if isinstance(place, Path):
        return FileStore(place)
    # Imported here: boto3 takes as long to load as all other imports, and the registry does not need it.
    from bluegrid_registry.stores.s3 import S3Store

    return S3Store(replace(place, account=account))
