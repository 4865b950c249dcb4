"""Requests to a service's route, as by a client outside Kubernetes, to find out which cluster answers.

The Pulumi program and the command line share this module, so that both get the same result.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi
import urllib3
from urllib3 import exceptions

from bluegrid_registry.errors import BluegridError

SECONDS = 2.0
"""Timeout of a request, in seconds."""
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
"""The redirect from HTTP to HTTPS counts."""
_UP = "is the proxy's controller up, and reachable from here?"
_PORTS = {"http": 80, "https": 443}


class RouteSilent(BluegridError):  # noqa: N818 - the name is the fault
    """A route did not answer; the message gives the reason, without the URL."""


@dataclass(frozen=True)
class RouteAnswer:
    """The answer of a route.

    Attributes:
        status: HTTP status code.
        cluster: ID of the cluster that answered; empty: something else answered, such as the proxy.
        version: ID of the version that the cluster serves; empty likewise.
    """

    status: int
    cluster: str
    version: str


@dataclass(frozen=True)
class RouteClient:
    """Sends requests to a proxy, each on a new connection, and never to another host.

    A redirect within the requested host, such as from HTTP to HTTPS, is followed to the same machine.
    Certificates are checked against the CAs of SSL_CERT_FILE or SSL_CERT_DIR; by default against the CAs of
    the machine and of Mozilla.

    Args:
        address: URL of the proxy, without a path; http or https.
        host: host name of the requests; None: the address's.
        tls_name: name that the certificate must have, sent as SNI; None: `host`, or the address's.
    """

    address: str
    host: str | None = None
    tls_name: str | None = None

    def get(self, path: str) -> RouteAnswer:
        """Send a GET request for a path.

        Raises:
            RouteSilent: the route did not answer, or redirected to another host.
        """
        origin = urlsplit(self.address)
        host = self.host or origin.netloc.rpartition("@")[2]
        url = urlsplit(f"{origin.scheme}://{host}{path}")._replace(query="")
        port = origin.port
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._get(url, str(origin.hostname), port)
            if answer.status not in _REDIRECTS:
                headers = answer.headers
                return RouteAnswer(
                    answer.status, headers.get("Bluegrid-Cluster", ""), headers.get("Bluegrid-Version", "")
                )
            target = _followed(url, answer.headers.get("Location", ""))
            # The address may have another port than the host has for clients.
            if (target.scheme, target.netloc) != (url.scheme, url.netloc):
                port = target.port
            url = target
        raise RouteSilent(f"redirected {_MOST_REDIRECTS + 1} times, at last to {url.geturl()}")

    def _get(self, url: SplitResult, machine: str, port: int | None) -> urllib3.BaseHTTPResponse:
        port = port or _PORTS[url.scheme]
        if url.scheme == "https":
            name = self.tls_name or url.hostname
            pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
                machine, port, ssl_context=self._context, server_hostname=name, assert_hostname=name
            )
        else:
            pool = urllib3.HTTPConnectionPool(machine, port)
        try:
            with pool:
                return pool.request(
                    "GET",
                    url.path,
                    headers={"Host": url.netloc, "Connection": "close"},
                    timeout=SECONDS,
                    retries=False,
                    redirect=False,
                )
        except exceptions.HTTPError as error:
            raise RouteSilent(why_silent(error, SECONDS, _UP)) from error

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return trusted_cas()


def trusted_cas() -> ssl.SSLContext:
    """Return a TLS context that trusts the CAs of SSL_CERT_FILE or SSL_CERT_DIR; without, of all known."""
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        context.load_verify_locations(certifi.where())
    return context


def _followed(url: SplitResult, location: str) -> SplitResult:
    """Return the target of a redirect; RouteSilent if it is another host."""
    target = urlsplit(urljoin(url.geturl(), location))
    if not location or target.scheme not in _PORTS or target.hostname != url.hostname:
        raise RouteSilent(f"redirected to {location or 'nowhere'}, which is not at {url.hostname}")
    return target


def why_silent(error: exceptions.HTTPError, seconds: float, remedy: str) -> str:
    """Return why a request was not answered.

    Args:
        error: of the request.
        seconds: its timeout.
        remedy: what to do if nothing answers.
    """
    if isinstance(error, exceptions.SSLError):
        refused = error.args[0] if error.args else error
        if isinstance(refused, ssl.SSLCertVerificationError):
            why = refused.verify_message.rstrip(".")
            return f"its certificate is not trusted: {why}; name the file of its CA: SSL_CERT_FILE=ca.pem"
        return f"no TLS there: {getattr(refused, 'reason', refused)}"
    # In urllib3's tree of errors, a refused connection is a kind of timeout.
    if isinstance(error, exceptions.NewConnectionError):
        return f"no connection: {str(error).rpartition(': ')[2].rpartition('] ')[2]}; {remedy}"
    if isinstance(error, exceptions.TimeoutError):
        return f"no answer in {seconds:g} s; {remedy}"
    return " ".join(str(error).split())
