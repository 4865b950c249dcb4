"""Requests to a route as clients send them: with redirects, TLS and private CAs, and only to one host."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bluegrid_registry.route_client import RouteAnswer, RouteClient, RouteSilent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "models.example.org"
PATH = "/modelService/line-loading/v2/health/ready"
ANSWER = RouteAnswer(200, "d2", "v2")


@dataclass
class Proxy:
    """A proxy that records the hosts and TLS server names of its requests.

    Attributes:
        location: where it redirects a request, by the requested host; None: it answers.
    """

    port: int = 0
    location: Callable[[str], str] | None = None
    hosts: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


@contextmanager
def proxy(
    location: Callable[[str], str] | None = None, certificate: Path | None = None, address: str = "127.0.0.1"
) -> Iterator[Proxy]:
    state = Proxy(location=location)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.hosts.append(self.headers["Host"])
            self.send_response(200 if state.location is None else 308)
            if state.location is None:
                self.send_header("Bluegrid-Cluster", "d2")
                self.send_header("Bluegrid-Version", "v2")
            else:
                self.send_header("Location", state.location(self.path))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def handle_error(self, *_: object) -> None:
            """Ignore a client that hangs up because it does not trust the certificate."""

    def named(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, __: ssl.SSLContext) -> None:
        state.names.append(name)

    with Server((address, 0), Handler) as server:
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            context.sni_callback = named
            server.socket = context.wrap_socket(server.socket, server_side=True)
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and its certificate for HOST and this machine, which is its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "proxy.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same certificate, named by SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def test_a_proxy_may_have_an_ipv6_address() -> None:
    with proxy(address="::1") as there:
        assert RouteClient(f"http://[::1]:{there.port}", HOST).get(PATH) == ANSWER
    assert there.hosts == [HOST]


def test_a_host_is_asked_for_in_tls_and_in_http_at_the_proxys_own_address(trusted: Path) -> None:
    with proxy(certificate=trusted) as seen:
        assert RouteClient(f"https://127.0.0.1:{seen.port}", HOST).get(PATH) == ANSWER
    assert (seen.hosts, seen.names) == ([HOST], [HOST])


def test_a_redirect_to_https_of_the_same_host_is_followed_to_the_same_machine(trusted: Path) -> None:
    with ExitStack() as both:
        tls = both.enter_context(proxy(certificate=trusted))
        plain = both.enter_context(proxy(lambda path: f"https://{HOST}:{tls.port}{path}"))
        assert RouteClient(f"http://127.0.0.1:{plain.port}", HOST).get(PATH) == ANSWER
    assert (plain.hosts, tls.hosts, tls.names) == ([HOST], [f"{HOST}:{tls.port}"], [HOST])


def test_without_a_host_the_address_itself_is_asked_for(trusted: Path) -> None:
    with ExitStack() as both:
        tls = both.enter_context(proxy(certificate=trusted))
        plain = both.enter_context(proxy(lambda path: f"https://127.0.0.1:{tls.port}{path}"))
        assert RouteClient(f"http://127.0.0.1:{plain.port}").get(PATH) == ANSWER


def test_a_host_that_no_certificate_names_is_asked_by_another_ones_certificate(trusted: Path) -> None:
    with proxy(certificate=trusted) as seen:
        client = RouteClient(f"https://127.0.0.1:{seen.port}", "0a1b.standing.invalid", tls_name=HOST)
        assert client.get(PATH) == ANSWER
    assert (seen.hosts, seen.names) == (["0a1b.standing.invalid"], [HOST])


def test_a_redirect_to_another_host_is_not_followed() -> None:
    with proxy(lambda _: "https://login.example.org/") as seen, pytest.raises(RouteSilent) as refused:
        RouteClient(f"http://127.0.0.1:{seen.port}", HOST).get(PATH)
    assert str(refused.value) == f"redirected to https://login.example.org/, which is not at {HOST}"


def test_redirects_without_an_end_are_given_up() -> None:
    with (
        proxy(lambda path: path) as seen,
        pytest.raises(RouteSilent, match=r"^redirected 4 times, at last to"),
    ):
        RouteClient(f"http://127.0.0.1:{seen.port}", HOST).get(PATH)
    assert len(seen.hosts) == 4


def test_a_certificate_of_an_unknown_ca_is_told_with_the_remedy(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with proxy(certificate=certificate) as seen, pytest.raises(RouteSilent) as refused:
        RouteClient(f"https://127.0.0.1:{seen.port}", HOST).get(PATH)
    assert str(refused.value) == (
        "its certificate is not trusted: self-signed certificate; "
        "name the file of its CA: SSL_CERT_FILE=ca.pem"
    )


def test_a_certificate_of_another_name_is_not_taken(trusted: Path) -> None:
    with (
        proxy(certificate=trusted) as seen,
        pytest.raises(RouteSilent, match=r"doesn.t match|is not valid for|other\.example\.org"),
    ):
        RouteClient(f"https://127.0.0.1:{seen.port}", "other.example.org").get(PATH)


def test_a_port_without_tls_is_told_as_that() -> None:
    with proxy() as seen, pytest.raises(RouteSilent, match=r"^no TLS there: "):
        RouteClient(f"https://127.0.0.1:{seen.port}", HOST).get(PATH)


def test_a_proxy_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.route_client.SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        pytest.raises(RouteSilent, match=r"^no answer in 0.2 s; "),
    ):
        RouteClient(f"http://127.0.0.1:{deaf.getsockname()[1]}", HOST).get(PATH)
