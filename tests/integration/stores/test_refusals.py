"""A server's refusal becomes one line that names the remedy, whatever form it has."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import Checksum, ObjectMissing, StoreError, StoreUnreachable, open_store, push
from tests.integration.stores.pretender import pretending
from tests.integration.stores.versions import check_is_one_line, models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from bluegrid_registry import ModelType, Store
    from tests.integration.stores.pretender import Pretender

pytestmark = pytest.mark.usefixtures("patient")


def refuse_all(
    pretender: Pretender,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Store:
    """Answer every request like this, HEAD too."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        pretender.answer(handler, status, body if handler.command != "HEAD" else b"", headers)

    for name in ("put", "get", "delete"):
        monkeypatch.setattr(pretender, name, answer)
    return open_store(pretender.url)


def refusals(store: Store, model_type: ModelType) -> list[str]:
    message = []
    for act in (
        lambda: store.get("x"),
        lambda: store.get_range("x", 1, 2),
        lambda: list(store.keys("")),
        lambda: store.put("x", b"x", Checksum.of(b"x")),
        store.probe,
        lambda: push(store, "g1", "v1", models(1), model_type=model_type),
    ):
        with pytest.raises(StoreError) as caught:
            act()
        check_is_one_line(caught.value)
        message.append(str(caught.value))
    return message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_with_where_it_leads_and_not_followed(
    status: int, pretender: Pretender, monkeypatch: pytest.MonkeyPatch, model_type: ModelType
) -> None:
    headers = {"Location": "https://key@store.example:9000/models?X-Amz-Signature=hidden"}
    store = refuse_all(pretender, monkeypatch, status, headers=headers)
    for message in refusals(store, model_type):
        assert f"redirected ({status}) to https://store.example:9000, which is not followed" in message
        assert "write endpoint=https://store.example:9000 in the store's address" in message
        assert "hidden" not in message


def test_a_redirect_without_a_place_is_told(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch, model_type: ModelType
) -> None:
    for message in refusals(refuse_all(pretender, monkeypatch, 301), model_type):
        assert "redirected (301), which is not followed; write the endpoint that answers by itself" in message


def test_a_bucket_of_another_region_is_told_with_its_region(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch, model_type: ModelType
) -> None:
    store = refuse_all(pretender, monkeypatch, 301, headers={"x-amz-bucket-region": "eu-west-1"})
    assert all(
        "write region=eu-west-1 in the store's address" in message for message in refusals(store, model_type)
    )


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "ExpiredToken", "and AWS_SESSION_TOKEN: the session is over"),
        (400, "InvalidToken", "and AWS_SESSION_TOKEN"),
        (400, "TokenRefreshRequired", "and AWS_SESSION_TOKEN"),
        (403, "Forbidden", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and their rights"),
        (403, "SomethingNew", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and their rights"),
        (403, "", "refused (403); check AWS_ACCESS_KEY_ID"),
        (401, "", "refused (401); check AWS_ACCESS_KEY_ID"),
        (400, "AuthorizationHeaderMalformed", "is its region another one?"),
        (503, "SlowDown", "the server is busy or out of order: try again"),
        (400, "", "is it an S3 server's answer? Check endpoint (http or https?) and bucket"),
        (404, "", "is it an S3 server's answer? Check endpoint (http or https?) and bucket"),
        (404, "NoSuchBucket", "no such bucket; create it, or correct the store's address"),
    ],
)
def test_a_refusal_names_the_remedy(
    status: int,
    code: str,
    remedy: str,
    pretender: Pretender,
    monkeypatch: pytest.MonkeyPatch,
    model_type: ModelType,
) -> None:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if code else b""
    for message in refusals(refuse_all(pretender, monkeypatch, status, body), model_type):
        assert remedy in message
        assert ": : " not in message
        assert "no object" not in message


def test_an_object_that_a_sound_server_says_is_missing_without_a_word_is_missing(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>"

    def get(handler: BaseHTTPRequestHandler) -> None:
        is_list = "list-type" in handler.path
        pretender.answer(handler, 200 if is_list else 404, listing if is_list else b"")

    monkeypatch.setattr(pretender, "get", get)
    store = open_store(pretender.url)
    with pytest.raises(ObjectMissing, match="no object x"):
        store.get("x")
    with pytest.raises(ObjectMissing, match="no object x"):
        store.get_range("x", 0, 1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for localhost that no CA has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "ca.pem", folder / "key.pem"
    files = ["-keyout", str(key), "-out", str(pem)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return pem, key


@pytest.fixture
def tls_port(pretender: Pretender, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Give a port at which the pretender answers over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    target = ("127.0.0.1", int(pretender.url.rpartition(":")[2]))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for each in (source, sink):
                each.close()

    def serve(client: socket.socket) -> None:
        try:
            inside = context.wrap_socket(client, server_side=True)
        except OSError:
            return
        # One request, one connection: a TLS socket is read by one thread.
        with inside, socket.create_connection(target) as server:
            server.sendall(inside.recv(65536).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            pump(server, inside)

    def accept() -> None:
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_a_certificate_of_a_private_ca_is_told_with_the_remedy_and_taken_with_it(
    tls_port: int, certificate: tuple[Path, Path], pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretender.objects["/models/pre/x"] = b"there"
    url = f"s3://models/pre?endpoint=https://localhost:{tls_port}"
    with pytest.raises(
        StoreUnreachable, match=r"certificate is not trusted: .*; set AWS_CA_BUNDLE to a PEM"
    ) as message:
        open_store(url).get("x")
    check_is_one_line(message.value)
    assert "is the server running" not in str(message.value)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
    assert open_store(url).get("x") == b"there"
    by_number = url.replace("localhost", "127.0.0.1")
    with pytest.raises(StoreUnreachable, match="write the endpoint by a name that the certificate has"):
        open_store(by_number).get("x")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(StoreError, match=r"/nowhere/ca.pem") as absent:
        open_store(url).get("x")
    check_is_one_line(absent.value)


def test_tls_where_the_server_speaks_none_is_told(pretender: Pretender) -> None:
    with pytest.raises(StoreUnreachable, match=r"no TLS: .* is the endpoint's scheme right, https or http"):
        open_store(pretender.url.replace("http:", "https:")).get("x")


def test_a_virtual_hosts_address_has_the_bucket_in_its_host_name() -> None:
    store = open_store("s3://models/pre?endpoint=http://store.invalid:7070&addressing=virtual")
    with pytest.raises(StoreUnreachable, match=r"http://models\.store\.invalid:7070/pre/x"):
        store.get("x")


def test_a_server_that_starts_again_within_seconds_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.stores.s3_wire.PATIENCE", 10)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waits: list[float] = []

    with pretending() as pretender:
        pretender.objects["/models/pre/x"] = b"there"
        inside = int(pretender.url.rpartition(":")[2])

        def starts(seconds: float) -> None:
            # Instead of waiting.
            waits.append(seconds)
            if len(waits) == 3:
                threading.Thread(target=forward, args=(port, inside), daemon=True).start()
                listening.wait(10)

        listening = threading.Event()

        def forward(outside: int, inside: int) -> None:
            with socket.create_server(("127.0.0.1", outside)) as server:
                listening.set()
                client, _ = server.accept()
                with client, socket.create_connection(("127.0.0.1", inside)) as onward:
                    onward.sendall(
                        client.recv(65536).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
                    )
                    while data := onward.recv(65536):
                        client.sendall(data)

        monkeypatch.setattr("bluegrid_registry.stores.s3_wire.sleep", starts)
        store = open_store(f"s3://models/pre?endpoint=http://127.0.0.1:{port}")
        assert store.get("x") == b"there"
    assert waits == [0.5, 1.0, 2.0]
