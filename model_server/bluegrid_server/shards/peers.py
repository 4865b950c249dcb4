"""The shards of a cluster, as one of their pods knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry import contract
from bluegrid_registry.shards import Shard, shard_of
from bluegrid_server.errors import MisdirectedError, ShardUnreachableError
from bluegrid_server.shards.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bluegrid_server.settings import Settings
    from bluegrid_server.shards.connection import PeerAnswer

_QUEUED_SECONDS = 30.0
"""How long a request may wait in another shard's pod, in addition to the time limit of a model."""
_NAMES = (b"x-request-id", b"traceparent", b"tracestate")
"""Headers that identify a request, in its response too."""
_PASSED_ON = (b"content-type", b"inference-header-content-length", *_NAMES)
"""Headers of a request that the other shard gets."""
_WRITTEN_HERE = (
    *(b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"date"),
    *(b"bluegrid-set", b"bluegrid-cluster", *_NAMES),
)
"""Headers of an answer that this pod writes itself."""


class Peers:
    """The other shards, and the place of this pod among them.

    Attributes:
        own: the shard of this pod.
        seconds: time limit of a request for one model.
    """

    def __init__(self, settings: Settings, own: Shard) -> None:
        self.own = own
        self.seconds = settings.time_limit + _QUEUED_SECONDS
        self._settings = settings
        self._header = str(own).encode()
        self._peers = {
            index: Peer(Shard(index, own.count), self._name(index), address)
            for index, address in enumerate(settings.peers)
            if index != own.index
        }
        self._same = {
            b"bluegrid-version": settings.version.encode(),
            b"bluegrid-digest": settings.manifest.encode(),
        }

    @property
    def all(self) -> Sequence[Peer]:
        """The other shards."""
        return [*self._peers.values()]

    def of(self, uid: str) -> Peer | None:
        """Return the shard that has a model; None: this pod's own.

        Raises:
            ShardUnreachableError: this pod has no address of that shard.
        """
        index = shard_of(uid, self.own.count)
        if index == self.own.index:
            return None
        try:
            return self._peers[index]
        except KeyError:
            fault = f"the model is in {self._name(index)}, and this server has no address of it"
            raise ShardUnreachableError(f"{fault} (BLUEGRID_PEERS)") from None

    def is_forwarded(self, shard: bytes | None) -> bool:
        """Return whether a request must be answered by this pod alone, by its `Bluegrid-Shard`.

        Raises:
            MisdirectedError: it must be answered by another shard.
        """
        if shard is None:
            return False
        if shard != self._header:
            shown = shard[:20].decode("latin-1")
            here = f"{self._name(self.own.index)} ({self.own})"
            raise MisdirectedError(f"{contract.SHARD_HEADER}: {shown!r}, and this is {here}")
        return True

    def passed_on(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return those headers of a request that the other shard gets."""
        return [header for header in headers if header[0] in _PASSED_ON]

    def headers_of(self, answer: PeerAnswer) -> dict[str, str]:
        """Return the headers of an answer that this pod does not write itself.

        During a rolling update the other shard may serve another version: then `Bluegrid-Version` and
        `Bluegrid-Digest` are among them, and this pod must not send its own.
        """
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in answer.headers
            if name not in _WRITTEN_HERE and self._same.get(name) != value
        }

    def close(self) -> None:
        """End the connections to the other shards."""
        for peer in self._peers.values():
            peer.close()

    def _name(self, index: int) -> str:
        settings = self._settings
        return contract.cluster_name(settings.service, contract.shard_id(settings.cluster, index))
