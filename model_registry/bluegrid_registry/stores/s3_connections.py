"""Opens connections to an S3 server before the requests that use them.

boto3 opens a connection with its first request, so a request for which no connection is free takes one round
trip more, with TLS two or three. botocore has no public way to open connections early: this uses its HTTP
session, and if a release of botocore or urllib3 changes that, requests open their connections as usual.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def open_connections(client: S3Client, bucket: str, count: int) -> None:
    """Open connections that the next requests to the bucket use; failures are left to these requests.

    Args:
        client: the client of the requests.
        bucket: the name of the bucket, which may be a part of the host's name.
        count: number of connections.
    """
    try:
        pool = _pool(client, bucket)
        if pool is not None:
            # All are taken before any is given back, which would be taken again.
            connections = [pool._get_conn() for _ in range(count)]
            with ThreadPoolExecutor(count) as threads:
                list(threads.map(functools.partial(_open, pool), connections))
    except Exception:  # noqa: BLE001, S110 - the requests find the fault again, and name it
        pass


def _pool(client: S3Client, bucket: str) -> Any | None:
    """Return the pool of the connections to the bucket's host; None: they go through a proxy."""
    url = client.generate_presigned_url("head_bucket", Params={"Bucket": bucket})
    session: Any = client._endpoint.http_session  # type: ignore[attr-defined]
    if session._proxy_config.proxy_url_for(url):
        return None
    pool = session._manager.connection_from_url(url)
    session._setup_ssl_cert(pool, url, session._verify)
    return pool


def _open(pool: Any, connection: Any) -> None:
    try:
        connection.timeout = pool.timeout.connect_timeout
        if connection.sock is None:
            connection.connect()
    finally:
        # A connection that failed opens itself again for the next request.
        pool._put_conn(connection)
