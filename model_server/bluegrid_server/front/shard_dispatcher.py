"""The dispatcher of the fast path in a shard: its own models here, others by their shard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

from bluegrid_server.errors import CrashError, RequestError
from bluegrid_server.protocol.body import JSON_LENGTH
from bluegrid_server.protocol.requests import Response

if TYPE_CHECKING:
    from bluegrid_server.http.fast_path import Dispatches, FastPathRequest
    from bluegrid_server.settings import Settings
    from bluegrid_server.shards.peer import Peer
    from bluegrid_server.shards.peers import Peers


class ShardDispatcher:
    """Sends requests of the fast path to the shards that have their models.

    Args:
        settings: of the pod.
        own: answers requests for the pod's own models.
        peers: the other shards.
    """

    def __init__(self, settings: Settings, own: Dispatches, peers: Peers) -> None:
        self._own, self._peers = own, peers
        self._base = f"/modelService/{settings.service}/v2/models/"
        self._tasks: set[asyncio.Task[None]] = set()
        """Kept because the event loop does not keep its tasks."""

    def dispatch(self, pending: FastPathRequest) -> None:
        """Have a request answered; raise RequestError if it is not accepted."""
        peer = None if self._peers.is_forwarded(pending.shard) else self._peers.of(pending.uid)
        if peer is None:
            self._own.dispatch(pending)
            return
        task = asyncio.ensure_future(self._forward(pending, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, pending: FastPathRequest, peer: Peer) -> None:
        headers = [(b"content-type", b"application/json"), *pending.names]
        if pending.json_length is not None:
            headers.append((JSON_LENGTH.encode(), pending.json_length.encode("latin-1")))
        target = f"{self._base}{quote(pending.uid, safe='')}/infer"
        try:
            async with peer.ask("POST", target, headers, pending.body, self._peers.seconds) as answer:
                response = Response(await answer.whole(), answer.status, self._peers.headers_of(answer))
            pending.receive(response)
        except RequestError as error:
            pending.fail(error)
        # A bug in the server.
        except Exception as error:  # noqa: BLE001
            structlog.get_logger().exception("internal error", kind="INFER", uid=pending.uid)
            pending.fail(CrashError(f"internal error: {type(error).__name__}"))
