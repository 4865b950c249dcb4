"""The client of an S3 server: boto3, configured to add nothing to our requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.handlers import add_expect_header

from bluegrid_registry import errors

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from bluegrid_registry.stores.address import Bucket

_DEFAULT_REGION = "us-east-1"

ATTEMPTS = 3
"""Attempts for one request."""


@dataclass
class ServerHeaders:
    """Headers of a server's latest response that describe the server."""

    name: str = ""
    """The value of the header Server."""
    time: datetime | None = None
    """The header Date, by the server's clock; None: no response with a valid time yet."""

    def note(self, parsed: dict[str, Any], **_: object) -> None:
        """Read a response's headers; botocore calls this for each response."""
        headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        self.name = headers.get("server", "")
        try:
            # The header Date is in GMT, whatever zone it names.
            self.time = parsedate_to_datetime(headers["date"]).replace(tzinfo=UTC)
        except (LookupError, ValueError):
            self.time = None


def s3_client(place: Bucket, read_timeout: float) -> tuple[S3Client, ServerHeaders]:
    """Return a client, and the headers that it reads; ConfigError if boto3 refuses a setting."""
    config = Config(
        # A wrong address is reported within seconds.
        connect_timeout=3,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=16,
        # We check bytes ourselves: a checksum in a header for the server, SHA-256 of every model after a
        # read. The checksums that botocore would add break several servers and are wrong for ranges.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={
            "addressing_style": place.addressing or ("path" if place.endpoint else "auto"),
            # The signature covers the checksum's header, and the checksum the bytes. Hashing the bytes for
            # the signature too would take as long as sending them.
            "payload_signing_enabled": False,
        },
    )
    account = place.account
    keys = (account.access_key, account.secret_key) if account else (None, None)
    trusted = str(account.ca_bundle) if account and account.ca_bundle else None
    try:
        client: S3Client = boto3.session.Session(*keys).client(
            "s3",
            endpoint_url=place.endpoint,
            region_name=place.region or _DEFAULT_REGION,
            verify=trusted,
            config=config,
        )
    except (ValueError, aws.BotoCoreError) as error:
        raise errors.ConfigError(
            f"store {place.url}: {error}; check the store's address and the AWS configuration"
        ) from None
    server, events = ServerHeaders(), client.meta.events
    # "100 Continue" would add a round trip to every PUT.
    events.unregister("before-call.s3", add_expect_header)
    events.register("before-call.s3.HeadBucket", _redirect_once)
    events.register("after-call.s3", server.note)
    return client, server


def _redirect_once(params: dict[str, Any], **_: object) -> None:
    # botocore requests a redirected bucket's region by HEAD. If HEAD is redirected too, without a region,
    # botocore would repeat HEAD until the stack overflows.
    params["context"]["s3_redirect"]["redirected"] = True
