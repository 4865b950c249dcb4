"""Probes: what a server does by itself, found out by trying.

One small object stays and is never written again: `probe`. Each other probe has an object of its own below
`probes/`, and deletes it if the account may.
"""

from __future__ import annotations

import io
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from enum import StrEnum
from time import sleep
from typing import TYPE_CHECKING, Any

from bluegrid_registry import errors
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm
from bluegrid_registry.formats.layout import PROBE_KEY, PROBES_PREFIX
from bluegrid_registry.stores.s3_checksums import Support, has_header, header
from bluegrid_registry.stores.s3_errors import WRONG_BYTES, code, is_taken, status, translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore import exceptions as aws

    from bluegrid_registry.stores.s3_wire import Wire

STALL = 5.0
"""How long half of a write waits for another write to end, in seconds: a server may delay that one."""

_EARLY = 2
"""How many writes are stalled while another one ends: a server may look for an object late."""

_PAUSE = 0.2
"""Seconds from their first halves to the other write; once a week, beside what a push does anyway."""

_DATA = b"probe"
_CONDITIONS: tuple[dict[str, Any], ...] = (
    {"IfNoneMatch": "*", **header(Checksum.of(_DATA, ChecksumAlgorithm.MD5))},
    {"IfNoneMatch": "*"},
)
"""Buckets with object lock take no write without a checksum, and some servers no write with one."""
_NO_WRITE = (401, 403, 404, 405)
"""Errors that say nothing about a checksum: writes are refused, or do not arrive."""


class Conditional(StrEnum):
    """What becomes of two writes of one key that both have If-None-Match."""

    ATOMIC = "atomic"
    """One is kept and the other is refused, whatever their order."""
    NOT_ATOMIC = "not atomic"
    """A write that began before another one ended replaces it, and both succeed."""
    IGNORED = "ignored"
    """The header has no effect, or is refused."""


def support_of(wire: Wire, algorithm: ChecksumAlgorithm) -> Support:
    """Return how the server treats the algorithm's header, by sending a wrong value."""
    if not has_header(algorithm):
        return Support.REFUSED
    key = _own_key()
    wrong = wire.refusal(key, _DATA, header(Checksum.of(b"other bytes", algorithm)))
    if wrong is not None and code(wrong) in WRONG_BYTES:
        return Support.VERIFIED
    if wrong is not None and status(wrong) in _NO_WRITE:
        _refuse(wire, wrong)
    with _removed(wire, key):
        if wrong is None:
            return Support.IGNORED
        # Whatever the error: if the right value is accepted, the wrong value was the reason.
        if wire.refusal(key, _DATA, header(Checksum.of(_DATA, algorithm))) is None:
            return Support.VERIFIED
        # The same with a header that every server knows, or with none.
        md5 = wire.refusal(key, _DATA, header(Checksum.of(_DATA, ChecksumAlgorithm.MD5)))
        if md5 is not None and wire.refusal(key, _DATA, {}) is not None:
            _refuse(wire, md5)
        return Support.REFUSED


def conditional_of(wire: Wire) -> Conditional:
    """Return how the server treats If-None-Match, by a write that ends after one that began later.

    A server that looks for the object, then receives the bytes and then writes accepts both.
    """
    with_checksum, without = _CONDITIONS
    found = _race(wire, with_checksum)
    if not isinstance(found, Conditional):
        found = _race(wire, without)
    if isinstance(found, Conditional):
        return found
    if status(found) != 501:
        _refuse(wire, found)
    return Conditional.IGNORED


def _race(wire: Wire, headers: dict[str, Any]) -> Conditional | aws.ClientError:
    """Let writes overlap; return what became of them, or the error that refuses such writes."""
    key = _own_key()
    with _removed(wire, key), ThreadPoolExecutor(_EARLY + 1) as pool:
        stalled = [_Stalled(_DATA) for _ in range(_EARLY)]
        writes = []
        try:
            for body in stalled:
                wire.client.meta.events.register("before-send.s3.PutObject", body.arm)
                write = pool.submit(wire.refusal, key, body, headers)
                write.add_done_callback(body.end)
                writes.append(write)
            for body in stalled:
                body.is_half_sent.wait(STALL)
            # A busy server, too, is to see what was sent.
            sleep(_PAUSE)
            writes.append(late := pool.submit(wire.refusal, key, _DATA, headers))
            # A server may let the second write wait for the first to end; then it loses.
            wait([late], STALL)
        finally:
            for body in stalled:
                body.go_on.set()
                wire.client.meta.events.unregister("before-send.s3.PutObject", body.arm)
        refusals = [refusal for write in writes if (refusal := write.result()) is not None]
        if len(refusals) == _EARLY:
            # Whatever the error: a write by the same account was accepted.
            return Conditional.ATOMIC
        if len(refusals) > _EARLY:
            other = (each for each in refusals if not is_taken(each) and status(each) != 409)
            return next(other, Conditional.ATOMIC)
        return Conditional.IGNORED if wire.refusal(key, _DATA, headers) is None else Conditional.NOT_ATOMIC


def honours_condition(wire: Wire) -> bool:
    """Return whether the server refuses to write over an object, by one request once the object is there."""
    refusal = _offer(wire)
    return refusal is not None and is_taken(refusal)


def gives_ranges(wire: Wire) -> bool:
    """Return whether the server returns a part of an object on request."""
    _offer(wire)
    try:
        return wire.part(PROBE_KEY, 1, 2)[1]
    except errors.ObjectMissing:
        # The server takes no conditional writes.
        wire.put(PROBE_KEY, _DATA, {})
        return wire.part(PROBE_KEY, 1, 2)[1]


def _offer(wire: Wire) -> aws.ClientError | None:
    """Write the object that stays unless it exists: some buckets lock their objects."""
    refusal = None
    for headers in _CONDITIONS:
        refusal = wire.refusal(PROBE_KEY, _DATA, headers)
        if refusal is None or is_taken(refusal):
            break
    return refusal


class _Stalled(io.BytesIO):
    """A request's body whose second half is not sent before `go_on`."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._is_sent = False
        self.is_half_sent, self.go_on = threading.Event(), threading.Event()
        self._half = len(data) // 2

    def arm(self, request: Any, **_: object) -> None:
        """Stall from now on if this body is about to be sent; botocore calls this before it sends."""
        self._is_sent |= request.body is self

    def end(self, _: object) -> None:
        """Release those that wait for a write that has ended, also if it failed."""
        self.is_half_sent.set()

    def read(self, size: int | None = -1) -> bytes:
        # A body that is read to be signed must not stall.
        if not self._is_sent or self.go_on.is_set():
            return super().read(size)
        if self.tell() == 0:
            return super().read(self._half)
        self.is_half_sent.set()
        self.go_on.wait(4 * STALL)
        return super().read(size)


def _own_key() -> str:
    return f"{PROBES_PREFIX}{secrets.token_hex(8)}/{PROBE_KEY}"


@contextmanager
def _removed(wire: Wire, key: str) -> Iterator[None]:
    """Remove the object at the end."""
    yield
    # Accounts that can write cannot always delete.
    with suppress(errors.StoreError):
        wire.delete(key)


def _refuse(wire: Wire, refusal: aws.ClientError) -> None:
    with translate_errors(wire.url, "probe"):
        raise refusal
