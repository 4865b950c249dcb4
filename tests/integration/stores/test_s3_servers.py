"""S3 servers that are unreachable, refuse, are busy, or only pretend to verify checksums."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid_registry import (
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
)
from bluegrid_registry.stores.base import Capabilities
from bluegrid_registry.stores.versions import read_commit
from tests.support.stores import Through

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from bluegrid_registry import ModelType
    from tests.integration.stores.pretender import Pretender
    from tests.integration.stores.versions import MakeModels


@pytest.mark.usefixtures("patient")
def test_an_unreachable_store_is_told_quickly_in_one_line() -> None:
    store = open_store("s3://models/pre?endpoint=http://127.0.0.1:1")
    with pytest.raises(
        StoreUnreachable, match=r"http://127\.0\.0\.1:1.*no answer.*is the server running"
    ) as message:
        store.get("x")
    assert "\n" not in str(message.value)


@pytest.mark.usefixtures("patient")
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
        # Some servers ignore the value beside it.
        assert headers["x-amz-sdk-checksum-algorithm"] is None
        assert headers["x-amz-trailer"] is None


@pytest.mark.parametrize(
    ("algorithm", "header", "value"),
    [
        ("CRC32", "x-amz-checksum-crc32", "y/Q5Jg=="),
        ("CRC32C", "x-amz-checksum-crc32c", "4waSgw=="),
        ("CRC64NVME", "x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
        ("SHA1", "x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("SHA256", "x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ("MD5", "Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ("CRC64XZ", "x-amz-meta-bluegrid-checksum", "CRC64XZ:mV3Ju98ZOfo="),
        ("BLAKE3", "x-amz-meta-bluegrid-checksum", None),
    ],
)
def test_a_checksum_travels_in_the_header_that_s3_has_for_it(
    algorithm: str, header: str, value: str | None, pretender: Pretender
) -> None:
    store = open_store(pretender.url)
    store.put("a", b"123456789", Checksum.of(b"123456789", ChecksumAlgorithm(algorithm)))
    (sent,) = (headers for path, headers in pretender.headers if path == "/models/pre/a")
    assert header in sent
    assert value is None or sent[header] == value


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
    assert s3_store.probe() == Capabilities(verifies_checksums=True, conditional_writes=True, ranges=True)


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


def test_a_server_that_refuses_conditional_writes_takes_no_push(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = pretender.put
    refusal = b"<Error><Code>NotImplemented</Code><Message>a header you provided</Message></Error>"

    def refuses(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match"):
            handler.rfile.read(int(handler.headers["Content-Length"]))
            return pretender.answer(handler, 501, refusal)
        return put(handler)

    monkeypatch.setattr(pretender, "put", refuses)
    store = open_store(pretender.url)
    assert not store.probe().conditional_writes
    with pytest.raises(StoreError, match="ignores If-None-Match"):
        store.put_once("a", b"x")


def test_what_a_server_lacks_is_said(pretender: Pretender) -> None:
    pretender.is_conditional = False
    message = open_store(pretender.url).probe().in_words()
    assert [line.split(";")[0] for line in message] == [
        "checksums: not verified by the server",
        "conditional writes: ignored by the server",
        "ranges: ignored by the server",
    ]


def test_a_server_that_ignores_ranges_is_put_up_with(pretender: Pretender) -> None:
    store = open_store(pretender.url)
    store.put("a", b"0123456789", Checksum.of(b"0123456789"))
    assert store.get_range("a", 3, 4) == b"3456"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_version_travels_with_the_chosen_checksum(
    algorithm: ChecksumAlgorithm, store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    models = make_models()
    sent: set[ChecksumAlgorithm] = set()

    class Noting(Through):
        def put(self, key: str, data: bytes, checksum: Checksum, *, replace: bool = True) -> None:
            assert checksum == Checksum.of(data, algorithm)
            sent.add(checksum.algorithm)
            super().put(key, data, checksum, replace=replace)

    pushed = push(Noting(store), "g1", "v1", models, model_type=model_type, algorithm=algorithm)
    assert sent == {algorithm}
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
    monkeypatch.setattr("bluegrid_registry.stores.s3_wire._CONFLICT_WAITS", (0.01,))
    pretender.conflicts = 100
    with pytest.raises(StoreError, match="ConditionalRequestConflict"):
        open_store(pretender.url).put_once("a", b"x")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "s3://models/pre?endpoint=127.0.0.1:7070",
            r"Invalid endpoint: 127\.0\.0\.1:7070; an endpoint is",
        ),
        ("s3://models/pre?region=no region", "invalid region"),
    ],
)
def test_an_address_that_names_no_server_is_told(address: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_store(address)


def test_a_profile_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match=r"profile \(nobody\) could not be found; .* the AWS configuration"):
        open_store("s3://models/pre")


def test_a_server_of_something_else_is_told(pretender: Pretender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretender, "get", lambda handler: pretender.answer(handler, 200, b"<html/>"))
    with pytest.raises(StoreError, match=r"the answer makes no sense: .*; is it an S3 server's"):
        list(open_store(pretender.url).keys(""))


def test_a_store_says_what_its_server_can_do(s3_place: tuple[str, Path]) -> None:
    done = CliRunner().invoke(app, ["store", "probe", s3_place[0]])
    assert done.exit_code == 0
    assert [line.split(";")[0] for line in done.stdout.splitlines()] == [
        "checksums: computed again by the server, which keeps nothing that differs",
        "conditional writes: honoured",
        "ranges: given",
    ]
    message = CliRunner().invoke(app, ["store", "probe", s3_place[0], "--json"]).stdout
    assert json.loads(message) == dict.fromkeys(
        ("verifies_checksums", "conditional_writes", "ranges", "single_winner"), True
    )


def test_a_store_that_would_take_no_push_is_a_failure(pretender: Pretender) -> None:
    pretender.is_conditional = False
    done = CliRunner().invoke(app, ["store", "probe", pretender.url])
    assert done.exit_code == 1
    assert "pushes are refused" in done.stdout
