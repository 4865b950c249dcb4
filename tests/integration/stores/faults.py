"""Faults that a `FaultyProxy` injects into a request: once, from then on, or into one byte."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integration.stores.faulty_proxy import UPSTREAM_SECONDS, pass_on
from tests.support.stores import flipped

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Iterator

    from tests.integration.stores.faulty_proxy import Exchange, Fault, FaultyProxy


def at(number: int, fault: Fault) -> Fault:
    """Inject the fault into one request only."""
    return lambda exchange: (fault if exchange.number == number else pass_on)(exchange)


def since(number: int, fault: Fault) -> Fault:
    """Inject the fault into this request and all later requests."""
    return lambda exchange: (fault if exchange.number >= number else pass_on)(exchange)


def reset_before(exchange: Exchange) -> None:
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    """Forward the request, and lose the answer."""
    exchange.forward()
    exchange.reset()


def status(code: int) -> Fault:
    """Refuse, as an overloaded server or proxy does."""
    body = b"<Error><Code>%s</Code><Message>no</Message></Error>" % {
        400: b"ExpiredToken",
        403: b"AccessDenied",
        500: b"InternalError",
        503: b"SlowDown",
    }.get(code, b"Other")
    return lambda exchange: exchange.answer(
        b"HTTP/1.1 %d no\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s"
        % (code, len(body), body)
    )


def status_after(code: int) -> Fault:
    """Forward the request, and answer that it failed."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        status(code)(exchange)

    return fault


def silent(exchange: Exchange) -> None:
    """Never answer."""


def silent_after(exchange: Exchange) -> None:
    """Forward the request, and never answer."""
    exchange.forward()


def truncated(exchange: Exchange) -> None:
    """Break off in the middle of the answer's body, or of its head if it has no body."""
    answer = exchange.forward()
    head = answer.find(b"\r\n\r\n") + 4
    exchange.answer(answer[: (head + len(answer)) // 2 if head < len(answer) else head // 2])
    exchange.reset()


def duplicated(exchange: Exchange) -> None:
    """Answer twice: the second answer arrives before the next request."""
    exchange.answer(exchange.forward() * 2)


def in_pieces(exchange: Exchange) -> None:
    """Answer slowly: byte by byte, each in a separate packet."""
    for byte in exchange.forward():
        exchange.client.sendall(bytes([byte]))


STAYS = {
    "reset before": reset_before,
    "reset after": reset_after,
    "500": status(500),
    "503": status(503),
    "500 after": status_after(500),
    "truncated": truncated,
}
SILENT = {"never asked": silent, "never answered": silent_after}
ONCE = {**STAYS, "duplicated": duplicated, "in pieces": in_pieces, **SILENT}


def numbers_until_enough(proxy: FaultyProxy) -> Iterator[int]:
    """Yield 0, 1 and so on, until the last run took fewer requests."""
    number = 0
    while True:
        yield number
        if len(proxy.requests) <= number:
            break
        number += 1
    assert number > 3


def flip_up(index: int, bits: int) -> Fault:
    """Flip bits of one byte of the request."""
    return lambda exchange: exchange.answer(
        exchange.forward(flipped(exchange.request, index % len(exchange.request), bits))
    )


def flip_down(index: int, bits: int) -> Fault:
    """Flip bits of one byte of the answer; reset the connection after it, so that no client waits."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.answer(flipped(answer, index % len(answer), bits))
        exchange.reset()

    return fault


def requests_of(proxy: FaultyProxy, act: Callable[[], object]) -> list[tuple[int, int]]:
    """Return the length of every request of `act`, and of its answer."""
    lengths: list[tuple[int, int]] = []

    def note(exchange: Exchange) -> None:
        answer = exchange.forward()
        lengths.append((len(exchange.request), len(answer)))
        exchange.answer(answer)

    proxy.forget(note)
    act()
    proxy.forget()
    return lengths


def harmed(source: random.Random, lengths: list[int], kind: Callable[[int, int], Fault]) -> Fault:
    """Return a fault that changes one byte, chosen uniformly from all bytes."""
    number = source.choices(range(len(lengths)), lengths)[0]
    return at(number, kind(source.randrange(lengths[number]), source.randrange(1, 256)))


class Swapped:
    """Exchanges the answers of two concurrent requests whose paths have `part`."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._meeting = threading.Barrier(2, timeout=UPSTREAM_SECONDS)
        self._answers: dict[int, bytes] = {}
        self.count = 0

    def __call__(self, exchange: Exchange) -> None:
        answer = exchange.forward()
        if self._part in exchange.what and not self._meeting.broken:
            try:
                place = self._meeting.wait()
                self._answers[place] = answer
                self._meeting.wait()
                answer = self._answers[1 - place]
                self.count += 1
            except threading.BrokenBarrierError:
                pass
        exchange.answer(answer)


class Without:
    """A server that does not know some headers: removes them, and signs the request again.

    Args:
        headers: their names, or prefixes of names, in lower case.
        key: the access key and the secret key.
    """

    def __init__(self, headers: Collection[str], key: tuple[str, str]) -> None:
        self._headers = tuple(headers)
        self._key = Credentials(*key)

    def __call__(self, exchange: Exchange) -> None:
        head, _, body = exchange.request.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        headers = dict(row.split(": ", 1) for row in rest)
        kept = {name: value for name, value in headers.items() if not self._takes(name)}
        for name in list(kept):
            if name.lower() in ("authorization", "x-amz-date"):
                del kept[name]
        place = next(value for name, value in kept.items() if name.lower() == "host")
        request = AWSRequest(method, f"http://{place}{target}", kept, body)
        # As over TLS, the signature does not cover the bytes.
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        request.context["client_config"] = None
        S3SigV4Auth(self._key, "s3", "us-east-1").add_auth(request)
        lines = [line, *(f"{name}: {value}" for name, value in request.headers.items())]
        answer = exchange.forward("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head, _, body = answer.partition(b"\r\n\r\n")
        message = [row for row in head.split(b"\r\n") if not self._takes(row.decode("latin-1"))]
        exchange.answer(b"\r\n".join(message) + b"\r\n\r\n" + body)

    def _takes(self, header: str) -> bool:
        return header.lower().startswith(self._headers)
