"""uvicorn's HTTP/1.1, extended by offers to upgrade and by errors in JSON.

Clients offer to change to another protocol: Java's HttpClient and `curl --http2` offer unencrypted HTTP/2
with the first request (`Upgrade: h2c`). RFC 9110, 7.8: a server that does not accept the offer answers as if
there were none. httptools ends such a request after its headers, and parses its body as the next request. So
a request with an offer is parsed again without the offer, and keeps its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OFFER = (b"upgrade", b"http2-settings")
"""Headers, and options of the header Connection, of an offer: RFC 9113 has no others for HTTP/2."""


class Http1Protocol(HttpToolsProtocol):
    """One connection."""

    def data_received(self, data: bytes) -> None:
        """Parse received data; remove an offer to upgrade from its request."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._parsed(data)
        except httptools.HttpParserError as error:
            remedy = "; percent-encode it" if isinstance(error, httptools.HttpParserInvalidURLError) else ""
            self._refuse(400, f"not a request of HTTP/1.1: {error}{remedy}")

    def _parsed(self, data: bytes) -> bytes:
        """Parse; after an offer, return the request's head without the offer, and the data that is left."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            method, version = self.parser.get_method(), self.parser.get_http_version()
            if method == b"CONNECT":
                self._refuse(405, "CONNECT: this is no proxy")
                return b""
            head = [
                b"%s %s HTTP/%s\r\n" % (method, self.url, version.encode()),
                *(b"%s: %s\r\n" % header for header in _without_offer(self.headers)),
                b"\r\n",
            ]
            # A parser that has seen an offer does not accept HTTP/1.1 after it.
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return b"".join(head) + data[offer.args[0] :]
        return b""

    def on_headers_complete(self) -> None:
        """Begin the request, unless it makes an offer: then it is parsed again."""
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request, unless it makes an offer."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse in JSON, like the application."""
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        body = orjson.dumps({"error": message})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = (b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        self.transport.close()


def _without_offer(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        if name == b"connection":
            options = [option.strip() for option in value.split(b",")]
            others = [option for option in options if option.lower() not in _OFFER]
            if others:
                yield name, b", ".join(others)
        elif name not in _OFFER:
            yield name, value
