"""The endpoints of a pod that has one shard: its own models here, all others by the pods that have them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response as HttpResponse

from bluegrid_registry.contract import SHARD_HEADER
from bluegrid_server.engine.batch import remarks_of, requests_of
from bluegrid_server.errors import (
    MisdirectedError,
    NotReadyError,
    RequestError,
    ShardUnreachableError,
    TimeLimitError,
)
from bluegrid_server.http.fast_path import CYCLE
from bluegrid_server.http.instrumentation import COUNT
from bluegrid_server.http.responses import answer, body_of, response
from bluegrid_server.http.routes import Admin, Api
from bluegrid_server.protocol.body import json_of, parsed
from bluegrid_server.protocol.requests import Kind, Request
from bluegrid_server.shards.connection import Allowance

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request as HttpRequest
    from starlette.types import Receive, Scope, Send

    from bluegrid_server.http.routes import Models
    from bluegrid_server.protocol.json_types import BatchItem, BatchResponse, ModelsDocument, ReadyDocument
    from bluegrid_server.settings import Settings
    from bluegrid_server.shards.connection import PeerAnswer
    from bluegrid_server.shards.peer import Peer
    from bluegrid_server.shards.peers import Peers

_PROBE_SECONDS = 2.0
"""Time limit for another shard to return whether it is ready."""
_LARGEST = 64 * 2**20
"""Maximum size of all shards' answers to one request, in bytes: they are kept until the last has arrived."""


class ShardedApi(Api):
    """The endpoints.

    Args:
        settings: of the pod.
        models: answers requests for the pod's own models.
        peers: the other shards.
    """

    def __init__(self, settings: Settings, models: Models, peers: Peers) -> None:
        super().__init__(settings, models)
        self._peers = peers

    async def infer(self, request: HttpRequest) -> HttpResponse:
        """Answer one inference request."""
        return await self._by_its_shard(request, super().infer)

    async def model(self, request: HttpRequest) -> HttpResponse:
        """Return the inputs and outputs of a model."""
        return await self._by_its_shard(request, super().model)

    async def model_ready(self, request: HttpRequest) -> HttpResponse:
        """Return whether a model is in memory, or will be loaded on the first request."""
        return await self._by_its_shard(request, super().model_ready)

    async def predict(self, request: HttpRequest) -> HttpResponse:
        """Answer a request in the simple form, whose body names the model."""
        body = await body_of(request)
        uid = None if self._is_forwarded(request) else parsed(body).get("model")
        peer = self._peers.of(uid) if isinstance(uid, str) else None
        if peer is not None:
            return self._relayed(request, peer, body, self._peers.seconds)
        return await response(await self._models.ask(Request(Kind.PREDICT, body=body)))

    async def batch_infer(self, request: HttpRequest) -> HttpResponse:
        """Answer inference requests for many models, each by its shard."""
        body = await body_of(request)
        requests = [] if self._is_forwarded(request) else requests_of(parsed(body))
        places: dict[Peer | None, list[int]] = {}
        for place, item in enumerate(requests):
            places.setdefault(self._peers.of(item["model_name"]), []).append(place)
        if len(places) <= 1:
            (peer,) = places or (None,)
            if peer is not None:
                return self._relayed(request, peer, body, None)
            reply = await self._models.ask(Request(Kind.BATCH, body=body))
            return await response(reply, request.scope.get(COUNT))
        allowance = Allowance(_LARGEST)
        parts = await asyncio.gather(
            *(
                self._part(request, peer, [requests[place] for place in own], allowance)
                for peer, own in places.items()
            )
        )
        by_place: dict[int, BatchResponse] = {}
        for own, part in zip(places.values(), parts, strict=True):
            by_place.update(zip(own, part, strict=True))
        responses = [by_place[place] for place in range(len(requests))]
        return answer({"responses": responses}, headers=remarks_of(responses).headers)

    async def ready(self, request: HttpRequest) -> HttpResponse:
        """Return whether all shards are ready; with `Bluegrid-Shard`, as of probes, whether this pod is."""
        own = await super().ready(request)
        if self._is_forwarded(request) or own.status_code != 200:
            return own
        found = await self._of_each_peer(request, seconds=_PROBE_SECONDS)
        for peer, document in zip(self._peers.all, found, strict=True):
            if isinstance(document, RequestError) or not document.get("ready"):
                is_silent = isinstance(document, RequestError)
                reason = str(document) if is_silent else f"{peer.name}: {document.get('reason')}"
                ready: ReadyDocument = {"ready": False, "reason": reason}
                return answer(ready, NotReadyError.status, NotReadyError.headers)
        return own

    async def models(self, request: HttpRequest) -> HttpResponse:
        """Return the UIDs of all shards."""
        uids = await self._uids()
        if not self._is_forwarded(request):
            for document in await self._of_each_peer(request):
                uids += _or_raise(document)["models"]
        models: ModelsDocument = {"models": sorted(uids)}
        return answer(models)

    async def index(self, request: HttpRequest) -> HttpResponse:
        """Return the repository's index, of all shards; `{"ready": true}` leaves out what is not ready."""
        body = await body_of(request)
        rows = await self._index(body)
        if not self._is_forwarded(request):
            for document in await self._of_each_peer(request, body=body):
                rows += _or_raise(document)
        return answer(sorted(rows, key=lambda row: row["name"]))

    def _is_forwarded(self, request: HttpRequest) -> bool:
        shard = request.headers.get(SHARD_HEADER)
        return self._peers.is_forwarded(None if shard is None else shard.encode("latin-1"))

    async def _by_its_shard(
        self, request: HttpRequest, own: Callable[[HttpRequest], Awaitable[HttpResponse]]
    ) -> HttpResponse:
        peer = None if self._is_forwarded(request) else self._peers.of(request.path_params["uid"])
        if peer is None:
            return await own(request)
        return self._relayed(request, peer, await body_of(request), self._peers.seconds)

    def _relayed(self, request: HttpRequest, peer: Peer, body: bytes, seconds: float | None) -> HttpResponse:
        return _Relayed(self._ask(request, peer, body, seconds), self._peers)

    def _ask(
        self, request: HttpRequest, peer: Peer, body: bytes, seconds: float | None
    ) -> AbstractAsyncContextManager[PeerAnswer]:
        headers = self._peers.passed_on(request.headers.raw)
        # The answer to HEAD is that to GET, without the body: uvicorn leaves it out.
        method = "GET" if request.method == "HEAD" else request.method
        return peer.ask(method, request.scope["raw_path"].decode("ascii"), headers, body, seconds)

    async def _part(
        self, request: HttpRequest, peer: Peer | None, items: Sequence[BatchItem], allowance: Allowance
    ) -> list[BatchResponse]:
        """Return the responses of one shard to its part of a batch, or its error for each item."""
        body = json_of({"requests": items})
        try:
            if peer is None:
                reply = await self._models.ask(Request(Kind.BATCH, body=body))
                pieces = [reply.first.body]
                if reply.rest is not None:
                    async for piece in reply.rest:
                        pieces.append(piece.body)
                        allowance.take(len(piece.body))
                status, content = reply.first.status, b"".join(pieces)
            else:
                async with self._ask(request, peer, body, None) as found:
                    status, content = found.status, await found.whole(allowance)
            document = orjson.loads(content)
            if status < 400:
                return _responses(document, len(items))
            error = str(document["error"])
        except RequestError as refused:
            error = str(refused)
        except (ValueError, KeyError, TypeError):
            error = f"{peer.name if peer else 'this shard'} answered something else than a batch"
        return [_refused(item, error) for item in items]

    async def _of_each_peer(
        self, request: HttpRequest, body: bytes = b"", seconds: float | None = None
    ) -> list[Any]:
        """Return each other shard's JSON for the same request, or its RequestError."""
        limit = self._peers.seconds if seconds is None else seconds
        allowance = Allowance(_LARGEST)

        async def document_of(peer: Peer) -> Any:
            try:
                # The limit of `ask` is for the beginning of the answer.
                async with asyncio.timeout(limit + 1), self._ask(request, peer, body, limit) as found:
                    return orjson.loads(await found.whole(allowance))
            except RequestError as error:
                return error
            except TimeoutError:
                return TimeLimitError(f"{peer.name} did not complete its answer in {limit + 1:g} s")
            except ValueError:
                return ShardUnreachableError(f"{peer.name} answered something else than JSON")

        return await asyncio.gather(*map(document_of, self._peers.all))


class ShardedAdmin(Admin):
    """The endpoints that load and unload models of one shard; they are on loopback and forward nothing."""

    def __init__(self, models: Models, peers: Peers) -> None:
        super().__init__(models)
        self._peers = peers

    async def load(self, request: HttpRequest) -> HttpResponse:
        """Load a model of the shard."""
        self._check(request)
        return await super().load(request)

    async def unload(self, request: HttpRequest) -> HttpResponse:
        """Unload a model of the shard until it is loaded again."""
        self._check(request)
        return await super().unload(request)

    def _check(self, request: HttpRequest) -> None:
        uid = request.path_params["uid"]
        if (peer := self._peers.of(uid)) is not None:
            raise MisdirectedError(
                f"model {uid} is in {peer.name}; forward a port to a pod of that Deployment"
            )


class _Relayed(HttpResponse):
    """Another shard's response, byte for byte, sent as its pieces arrive."""

    def __init__(self, found: AbstractAsyncContextManager[PeerAnswer], peers: Peers) -> None:
        super().__init__()
        self._found, self._peers = found, peers

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Request the response, and send it; raise RequestError if it does not begin."""
        async with self._found as found:
            headers = [
                (name.encode(), value.encode("latin-1"))
                for name, value in self._peers.headers_of(found).items()
            ]
            headers += [header for header in found.headers if header[0] == b"content-length"]
            if (cycle := scope.get(CYCLE)) is not None:
                names = {name for name, _ in headers}
                cycle.default_headers = [
                    each for each in cycle.default_headers if each[0].lower() not in names
                ]
            await send({"type": "http.response.start", "status": found.status, "headers": headers})
            async for piece in found.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _or_raise(document: Any) -> Any:
    """Return a shard's document; raise its error."""
    if isinstance(document, RequestError):
        raise document
    if isinstance(document, dict) and "error" in document:
        raise ShardUnreachableError(str(document["error"]))
    return document


def _responses(document: Any, count: int) -> list[BatchResponse]:
    responses: list[BatchResponse] = document["responses"]
    if len(responses) != count:
        raise ValueError(f"{len(responses)} responses to {count} requests")
    return responses


def _refused(item: BatchItem, error: str) -> BatchResponse:
    refused: BatchResponse = {"model_name": item["model_name"]}
    if isinstance(request_id := item.get("id"), str):
        refused["id"] = request_id
    refused["error"] = error
    return refused
