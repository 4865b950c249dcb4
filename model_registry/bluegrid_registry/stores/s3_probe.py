"""Probes: detect the capabilities of a server with small test requests.

One small object, `probe`, stays and is never overwritten. Each other probe has an object of its own below
`probes/`, and deletes it if the account has the permission.
"""

from __future__ import annotations

import io
import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
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
"""How long a half-sent write waits for the end of another write, which a server may delay, in seconds."""

_EARLY = 2
"""Number of writes that are stalled during another write: a server may check for an object late."""

_PAUSE = 0.2
"""Seconds between their first halves and the other write; spent once a week, beside the work of a push."""

_TOGETHER = 6
"""Number of writes that end at the same moment; only their last bytes are missing, so that they are closer
together than requests."""

_ROUNDS = 4
"""How often such writes are sent: a short window is not hit each time."""

_DATA = b"probe"
_CONDITIONS: tuple[dict[str, Any], ...] = (
    {"IfNoneMatch": "*", **header(Checksum.of(_DATA, ChecksumAlgorithm.MD5))},
    {"IfNoneMatch": "*"},
)
"""Buckets with object lock refuse writes without a checksum, and some servers refuse writes with one."""
_NO_WRITE = (401, 403, 404, 405)
"""Errors that are not due to a checksum: writes are refused, or do not arrive."""


class Conditional(StrEnum):
    """The outcome of two concurrent writes of one key with If-None-Match."""

    ATOMIC = "atomic"
    """One write is kept and the other is refused, whatever their order."""
    WINDOW = "window"
    """The same, but of writes that end at the same moment several succeed."""
    NOT_ATOMIC = "not atomic"
    """A write that began before the end of another write replaces it, and both succeed."""
    IGNORED = "ignored"
    """The header has no effect, or is refused."""


def support_of(wire: Wire, algorithm: ChecksumAlgorithm) -> Support:
    """Send a wrong checksum, and return how the server treats the algorithm's header."""
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
        # Whatever the error was: if the right value is accepted, the wrong value was the reason.
        if wire.refusal(key, _DATA, header(Checksum.of(_DATA, algorithm))) is None:
            return Support.VERIFIED
        # The same with a header that every server supports, or without a header.
        md5 = wire.refusal(key, _DATA, header(Checksum.of(_DATA, ChecksumAlgorithm.MD5)))
        if md5 is not None and wire.refusal(key, _DATA, {}) is not None:
            _refuse(wire, md5)
        return Support.REFUSED


def conditional_of(wire: Wire) -> Conditional:
    """Return how the server treats If-None-Match.

    First by a write that ends after a write that began later: a server that checks for the object before it
    receives the bytes accepts both. Then by writes that end at the same moment, which finds servers that
    check after they have received the bytes, but not at one with the write; and servers behind a proxy that
    passes on only complete requests, for which no write begins before the end of another.
    """
    with_checksum, without = _CONDITIONS
    headers, found = with_checksum, _race(wire, with_checksum)
    if not isinstance(found, Conditional):
        headers, found = without, _race(wire, without)
    if found is Conditional.ATOMIC and any(_accepts_two(wire, headers) for _ in range(_ROUNDS)):
        return Conditional.WINDOW
    if isinstance(found, Conditional):
        return found
    if status(found) != 501:
        _refuse(wire, found)
    return Conditional.IGNORED


def _accepts_two(wire: Wire, headers: dict[str, Any]) -> bool:
    """Send writes of one key that end at the same moment; return whether the server accepts more than one."""
    key = _own_key()
    with _removed(wire, key), ThreadPoolExecutor(_TOGETHER) as pool:
        with _half_sent(wire, key, headers, _TOGETHER, pool) as writes:
            pass
        return sum(write.result() is None for write in writes) > 1


def _race(wire: Wire, headers: dict[str, Any]) -> Conditional | aws.ClientError:
    """Send overlapping writes; return their outcome, or the error if the server refuses such writes."""
    key = _own_key()
    with _removed(wire, key), ThreadPoolExecutor(_EARLY + 1) as pool:
        with _half_sent(wire, key, headers, _EARLY, pool) as writes:
            # Gives a busy server time to read the first halves.
            sleep(_PAUSE)
            writes.append(late := pool.submit(wire.refusal, key, _DATA, headers))
            # A server may delay the second write until the first ends; the second write then fails.
            wait([late], STALL)
        refusals = [refusal for write in writes if (refusal := write.result()) is not None]
        if len(refusals) == _EARLY:
            # The error does not matter: a write by the same account was accepted.
            return Conditional.ATOMIC
        if len(refusals) > _EARLY:
            other = (refusal for refusal in refusals if not is_taken(refusal) and status(refusal) != 409)
            return next(other, Conditional.ATOMIC)
        return Conditional.IGNORED if wire.refusal(key, _DATA, headers) is None else Conditional.NOT_ATOMIC


@contextmanager
def _half_sent(
    wire: Wire, key: str, headers: dict[str, Any], count: int, pool: ThreadPoolExecutor
) -> Iterator[list[Future[aws.ClientError | None]]]:
    """Yield writes of which the first halves are sent; they go on at the end of the block, all at once."""
    begun, go_on = threading.Event(), threading.Event()
    stalled = [_Stalled(_DATA, begun, go_on) for _ in range(count)]
    writes = []
    try:
        for body in stalled:
            wire.client.meta.events.register("before-send.s3.PutObject", body.arm)
            write = pool.submit(wire.refusal, key, body, headers)
            write.add_done_callback(body.end)
            writes.append(write)
        # Ends with the first write if the server does not answer.
        begun.wait()
        for body in stalled:
            body.is_half_sent.wait(STALL)
        for write in writes:
            if write.done():
                # Raises its error: other writes would take as long, and fail too.
                write.result()
        yield writes
    finally:
        go_on.set()
        for body in stalled:
            wire.client.meta.events.unregister("before-send.s3.PutObject", body.arm)


def honours_condition(wire: Wire) -> bool:
    """Return whether the server refuses to overwrite an object; one request if the object exists."""
    refusal = _offer(wire)
    return refusal is not None and is_taken(refusal)


def gives_ranges(wire: Wire) -> bool:
    """Return whether the server returns a part of an object on request."""
    _offer(wire)
    try:
        return wire.part(PROBE_KEY, 1, 2)[1]
    except errors.ObjectMissing:
        # The server refuses conditional writes.
        wire.put(PROBE_KEY, _DATA, {})
        return wire.part(PROBE_KEY, 1, 2)[1]


def _offer(wire: Wire) -> aws.ClientError | None:
    """Write the object `probe` unless it exists: some buckets lock their objects."""
    refusal = None
    for headers in _CONDITIONS:
        refusal = wire.refusal(PROBE_KEY, _DATA, headers)
        if refusal is None or is_taken(refusal):
            break
    return refusal


class _Stalled(io.BytesIO):
    """A request's body whose second half is held back until `go_on` is set; sets `begun` before."""

    def __init__(self, data: bytes, begun: threading.Event, go_on: threading.Event) -> None:
        super().__init__(data)
        self._is_sent = False
        self.is_half_sent, self._begun, self._go_on = threading.Event(), begun, go_on
        self._half = len(data) // 2

    def arm(self, request: Any, **_: object) -> None:
        """Stall from now on if the request has this body; botocore calls this before it sends a request."""
        self._is_sent |= request.body is self

    def end(self, _: object) -> None:
        """Release the threads that wait for `is_half_sent` after the write has ended or failed."""
        self._note()

    def read(self, size: int | None = -1) -> bytes:
        # Reading the body for the signature must not stall.
        if not self._is_sent or self._go_on.is_set():
            return super().read(size)
        if self.tell() == 0:
            return super().read(self._half)
        self._note()
        self._go_on.wait(4 * STALL)
        return super().read(size)

    def _note(self) -> None:
        self.is_half_sent.set()
        self._begun.set()


def _own_key() -> str:
    return f"{PROBES_PREFIX}{secrets.token_hex(8)}/{PROBE_KEY}"


@contextmanager
def _removed(wire: Wire, key: str) -> Iterator[None]:
    """Delete the object at the end."""
    yield
    # Accounts that can write cannot always delete.
    with suppress(errors.StoreError):
        wire.delete(key)


def _refuse(wire: Wire, refusal: aws.ClientError) -> None:
    with translate_errors(wire.url, "probe"):
        raise refusal
