"""S3 servers that are away, refuse, are busy, or only pretend to verify checksums."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from model_registry import (
    Checksum,
    ChecksumAlgorithm,
    ConfigError,
    IntegrityError,
    Store,
    StoreError,
    StoreUnreachable,
    fetch,
    fetch_bytes,
    open_store,
    push,
    read_manifest,
)
from model_registry.stores.capabilities import Capabilities
from model_registry.transfer.reading import read_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message
    from pathlib import Path

    from model_registry import ModelType, SourceModel

    MakeModels = Callable[..., tuple[SourceModel, ...]]


@dataclass
class Pretender:
    """A server that takes whatever comes; no real one at hand does, so this one is made up."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    headers: list[tuple[str, Message]] = field(default_factory=list)
    damages: bool = False
    conflicts: int = 0
    is_conditional: bool = True

    def put(self, handler: BaseHTTPRequestHandler) -> None:
        data = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.headers.append((handler.path, handler.headers))
        if self.conflicts and handler.headers.get("If-None-Match"):
            self.conflicts -= 1
            body = b"<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>"
            return self.answer(handler, 409, body)
        is_taken = handler.path in self.objects and handler.headers.get("If-None-Match")
        if is_taken and self.is_conditional:
            return self.answer(
                handler, 412, b"<Error><Code>PreconditionFailed</Code><Message>taken</Message></Error>"
            )
        self.objects[handler.path] = data[:-1] + b"?" if self.damages else data
        return self.answer(handler, 200)

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path in self.objects:
            self.answer(handler, 200, self.objects[handler.path])
        else:
            self.answer(handler, 404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")

    @staticmethod
    def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"") -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def pretender() -> Iterator[Pretender]:
    state = Pretender()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            state.put(self)

        def do_GET(self) -> None:
            state.get(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.url = f"s3://models/pre?endpoint=http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
        thread.join()


def test_an_unreachable_store_is_told_quickly_in_one_line() -> None:
    store = open_store("s3://models/pre?endpoint=http://127.0.0.1:1")
    begun = time.monotonic()
    with pytest.raises(
        StoreUnreachable, match=r"http://127\.0\.0\.1:1.*no answer.*is the server running"
    ) as told:
        store.get("x")
    assert time.monotonic() - begun < 15
    assert "\n" not in str(told.value)


def test_an_unreachable_store_ends_a_push_and_a_fetch(
    make_models: MakeModels, model_type: ModelType, tmp_path: Path
) -> None:
    store = open_store("s3://models/pre?endpoint=http://127.0.0.1:1")
    with pytest.raises(StoreUnreachable):
        push(store, "g1", "v1", make_models(1), model_type=model_type)
    with pytest.raises(StoreUnreachable):
        fetch(store, "g1", "v1", "sha256:" + "0" * 64, tmp_path)


def test_a_bucket_that_does_not_exist_is_told(s3_place: tuple[str, Path]) -> None:
    store = open_store(s3_place[0].replace("s3://models/", "s3://no-models/"))
    with pytest.raises(StoreError, match=r"s3://no-models/.*no such bucket; create it"):
        store.get("x")


def test_wrong_credentials_are_told(s3_place: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = open_store(s3_place[0])
    with pytest.raises(StoreError, match=r"refused .*check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        store.get("x")


def test_absent_credentials_are_told(s3_place: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = open_store(s3_place[0])
    with pytest.raises(ConfigError, match="no credentials; check AWS_ACCESS_KEY_ID"):
        store.get("x")


def test_every_object_travels_with_its_checksum_and_without_a_round_trip_of_waiting(
    pretender: Pretender,
) -> None:
    store = open_store(pretender.url)
    store.put("a", b"123456789", Checksum.of(b"123456789"))
    store.put_once("b", b"123456789")
    sent = {path: headers for path, headers in pretender.headers if not path.endswith("/probe")}
    assert sent.keys() == {"/models/pre/a", "/models/pre/b"}
    for headers in sent.values():
        assert headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg="
        assert headers["Expect"] is None
        assert headers["x-amz-trailer"] is None


def test_a_server_that_does_not_verify_is_read_back(pretender: Pretender) -> None:
    store = open_store(pretender.url)
    store.put("a", b"right", Checksum.of(b"right"))
    assert store.get("a") == b"right"
    pretender.damages = True
    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        store.put("b", b"right", Checksum.of(b"right"))
    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        store.put_once("c", b"right")


def test_a_version_is_not_committed_on_a_server_that_damages_it(
    pretender: Pretender, make_models: MakeModels, model_type: ModelType
) -> None:
    pretender.damages = True
    with pytest.raises(IntegrityError, match="packs/"):
        push(open_store(pretender.url), "g1", "v1", make_models(), model_type=model_type)
    assert not any("/versions/" in path for path in pretender.objects)


def test_a_server_that_verifies_is_probed_once_and_not_read_back(
    s3_store: Store, s3_place: tuple[str, Path]
) -> None:
    for key in ("a", "b"):
        s3_store.put(key, b"x", Checksum.of(b"x"))
    assert sorted(path.name for path in s3_place[1].iterdir()) == ["a", "b", "probe"]
    assert s3_store.probe() == Capabilities(verifies_checksums=True, conditional_writes=True)


def test_a_server_without_conditional_writes_takes_no_push_and_serves_fetches(
    pretender: Pretender, make_models: MakeModels, model_type: ModelType
) -> None:
    push(open_store(pretender.url), "g1", "v1", make_models(), model_type=model_type)
    pretender.is_conditional = False
    store = open_store(pretender.url)
    with pytest.raises(StoreError, match=r"ignores If-None-Match, so that two pushes .* both win; use one"):
        push(store, "g1", "v2", make_models(), model_type=model_type)
    assert not [path for path in pretender.objects if path.endswith("v2.json")]
    assert len(fetch_bytes(store, "g1", "v1", read_commit(store, "g1", "v1").manifest)) == 5


def test_what_a_server_lacks_is_said(pretender: Pretender) -> None:
    pretender.is_conditional = False
    told = open_store(pretender.url).probe().in_words()
    assert [line.split(";")[0] for line in told] == [
        "checksums: not verified by the server",
        "conditional writes: ignored by the server",
    ]


def test_a_server_that_ignores_ranges_is_put_up_with(pretender: Pretender) -> None:
    store = open_store(pretender.url)
    store.put("a", b"0123456789", Checksum.of(b"0123456789"))
    assert store.get_range("a", 3, 4) == b"3456"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_wrong_checksum_of_any_algorithm_is_never_stored_as_right(
    algorithm: ChecksumAlgorithm, store: Store
) -> None:
    store.put("right", b"123456789", Checksum.of(b"123456789", algorithm))
    store.put_once("once", b"123456789", Checksum.of(b"123456789", algorithm))
    with pytest.raises(IntegrityError):
        store.put("wrong", b"123456789", Checksum.of(b"123456780", algorithm))
    assert store.get("right") == store.get("once") == b"123456789"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_version_travels_with_the_chosen_checksum(
    algorithm: ChecksumAlgorithm, store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    models = make_models()
    pushed = push(store, "g1", "v1", models, model_type=model_type, algorithm=algorithm)
    manifest = read_manifest(store, "g1", "v1", pushed.manifest)
    assert {pack.checksum.algorithm for pack in manifest.packs} == {algorithm}
    fetched = fetch_bytes(store, "g1", "v1", pushed.manifest)
    assert list(fetched.values()) == [model.read() for model in models]


def test_a_busy_conditional_write_is_tried_again(pretender: Pretender) -> None:
    pretender.conflicts = 2
    store = open_store(pretender.url)
    store.put_once("a", b"x")
    assert store.get("a") == b"x"


def test_a_conditional_write_that_stays_busy_is_told(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_registry.stores.s3._CONFLICT_WAITS", (0.01,))
    pretender.conflicts = 100
    with pytest.raises(StoreError, match="ConditionalRequestConflict"):
        open_store(pretender.url).put_once("a", b"x")
