"""Probing a server: what is tested, which results are cached, and how changes are noticed."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer
from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid_registry import (
    Checksum,
    ChecksumAlgorithm,
    IntegrityError,
    ObjectExists,
    Store,
    StoreError,
    StoreUnreachable,
    VersionConflict,
    fetch_bytes,
    open_store,
    push,
)
from bluegrid_registry.stores import s3_memory
from bluegrid_registry.stores.s3_wire import Wire
from tests.integration.stores.pretender import pretending
from tests.integration.stores.versions import contents, models, version

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3.type_defs import DefaultRetentionTypeDef

    from bluegrid_registry import ModelType
    from tests.integration.stores.conftest import Server
    from tests.integration.stores.faulty_proxy import Exchange, FaultyProxy
    from tests.integration.stores.pretender import Pretender


def probes(pretender: Pretender) -> list[str]:
    return [request for request in pretender.requests if request.endswith("/probe")]


def test_a_server_that_looks_before_it_takes_the_bytes_is_refused_in_words(
    pretender: Pretender, model_type: ModelType
) -> None:
    pretender.is_atomic = False
    store = open_store(pretender.url)
    assert "conditional writes: not atomic, as the server looks" in store.probe().in_words()[1]
    with pytest.raises(StoreError, match=r"not atomic.*two pushes of one version could both win; use one"):
        push(store, "g1", "v1", models(1), model_type=model_type)
    assert not [path for path in pretender.objects if "/versions/" in path]
    done = CliRunner().invoke(app, ["store", "probe", pretender.url])
    assert (done.exit_code, "not atomic" in done.stdout) == (1, True)


@pytest.mark.parametrize("has_window", [True, False])
def test_the_commit_is_read_back_from_a_server_that_writes_a_moment_after_it_has_looked(
    has_window: bool, pretender: Pretender, model_type: ModelType
) -> None:
    pretender.wrong_checksum, pretender.has_window = "BadDigest", has_window
    words = "every commit is read back" if has_window else "of two pushes of one version exactly one wins"
    assert words in open_store(pretender.url).probe().in_words()[1]
    for version_id in ("v1", "v2"):
        push(open_store(pretender.url), "g1", version_id, models(1), model_type=model_type)
        commit = f"/models/pre/sets/g1/versions/{version_id}.json"
        reads = [f"GET {commit}"] if has_window else []
        after = pretender.requests[pretender.requests.index(f"PUT {commit}") :]
        assert [request for request in after if request == f"GET {commit}"] == reads


def test_a_known_server_gets_the_pack_and_the_manifest_before_it_has_answered_anything(
    proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    push(open_store(wired_url), "g1", "v1", models(1), model_type=model_type)
    # Both probes, the look for the version, the list of packs, the first pack and the manifest.
    together = threading.Barrier(6, timeout=30)

    def answers_all_or_none(exchange: Exchange) -> None:
        answer = exchange.forward()
        if exchange.number < together.parties:
            together.wait()
        exchange.answer(answer)

    proxy.forget(answers_all_or_none)
    report = push(open_store(wired_url), "g1", "v2", models(2), model_type=model_type)
    commit, copy = sorted(proxy.requests[6:], key=lambda request: "/versions/" not in request)
    assert commit.startswith("PUT ")
    assert "/versions/v2" in commit
    assert copy.startswith("PUT ")
    assert "/manifests/" in copy
    assert fetch_bytes(s3_store, "g1", "v2", report.manifest) == contents(models(2))


def test_a_server_that_is_not_known_gets_nothing_before_it_is_known_to_write_atomically(
    pretender: Pretender, model_type: ModelType
) -> None:
    pretender.is_atomic = False
    with pytest.raises(StoreError, match="not atomic"):
        push(open_store(pretender.url), "g1", "v1", models(1), model_type=model_type)
    assert not [path for path in pretender.objects if "/sets/" in path]


def test_a_push_to_a_server_that_refuses_connections_probes_it_once(
    patient: None, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: Counter[str] = Counter()
    refusal = Wire.refusal

    def counted(wire: Wire, key: str, body: object, headers: dict[str, object]) -> object:
        requested[key] += 1
        return refusal(wire, key, body, headers)

    monkeypatch.setattr(Wire, "refusal", counted)
    with pytest.raises(StoreUnreachable):
        push(
            open_store("s3://models?endpoint=http://127.0.0.1:9"),
            "g1",
            "v1",
            models(1),
            model_type=model_type,
        )
    # The object that stays, a wrong checksum, and two writes at a time. No request follows one that failed.
    assert sorted(requested.values()) == [1, 1, 2]


def test_a_server_that_takes_one_request_at_a_time_is_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.stores.s3_probe.STALL", 0.2)
    with pretending(HTTPServer) as pretender:
        store = open_store(pretender.url)
        assert store.probe().conditional_writes
        store.put_once("a", b"x")


@pytest.mark.parametrize("code", ["BadDigest", "InvalidDigest", "BadRequest", "SomethingElse"])
def test_however_a_wrong_checksum_is_refused_it_is_verified(code: str, pretender: Pretender) -> None:
    pretender.wrong_checksum = code
    store = open_store(pretender.url)
    assert store.probe().verifies_checksums
    pretender.requests.clear()
    store.put("a", b"right", Checksum.of(b"right"))
    assert pretender.requests == ["PUT /models/pre/a"]
    with pytest.raises(IntegrityError, match="a: "):
        store.put("a", b"right", Checksum.of(b"wrong"))
    assert store.get("a") == b"right"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
@pytest.mark.parametrize("refuses", ["x-amz-sdk-checksum-", "x-amz-checksum-", "content-md5"])
def test_a_server_is_written_with_the_headers_that_it_knows_and_read_back(
    refuses: str, algorithm: ChecksumAlgorithm, pretender: Pretender
) -> None:
    pretender.refuses = refuses
    store = open_store(pretender.url)
    store.put("a", b"right", Checksum.of(b"right", algorithm))
    assert store.get("a") == b"right"
    pretender.damages = True
    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        store.put("b", b"right", Checksum.of(b"right", algorithm))


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_bucket_that_takes_nothing_without_content_md5_gets_it(
    algorithm: ChecksumAlgorithm, pretender: Pretender, model_type: ModelType
) -> None:
    pretender.needs = "Content-MD5"
    store = open_store(pretender.url)
    report = push(store, "g1", "v1", models(1), model_type=model_type, algorithm=algorithm)
    assert fetch_bytes(store, "g1", "v1", report.manifest) == contents(models(1))


def test_a_push_after_the_first_neither_stalls_a_write_nor_waits_for_the_probe(
    pretender: Pretender, model_type: ModelType
) -> None:
    pretender.wrong_checksum = "BadDigest"
    push(open_store(pretender.url), "g1", "v1", models(1), model_type=model_type)
    first = probes(pretender)
    pretender.requests.clear()
    push(open_store(pretender.url), "g1", "v2", models(2), model_type=model_type)
    # Verification and If-None-Match are tested each time, in parallel with the rest.
    assert len(probes(pretender)) == 2 < len(first)
    assert "PUT /models/pre/probe" in probes(pretender)


def test_what_is_remembered_is_believed_for_a_week(
    pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(pretender.url).probe()
    store = open_store(pretender.url)
    known = s3_memory.recall(store.url)
    assert known is not None
    for ago in (timedelta(days=8), timedelta(days=-1)):
        s3_memory.remember(store.url, known.model_copy(update={"found": datetime.now(UTC) - ago}))
        assert s3_memory.recall(store.url) is None
    s3_memory.remember(store.url, known)
    assert s3_memory.recall(store.url) == known


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON", None])
def test_a_memory_that_cannot_be_read_or_written_is_none(
    content: bytes | None, pretender: Pretender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "memory" / "stores.json"
    monkeypatch.setattr("bluegrid_registry.stores.s3_memory._path", lambda: path)
    if content is None:
        path.parent.write_bytes(b"a file")
    else:
        path.parent.mkdir()
        path.write_bytes(content)
    open_store(pretender.url).put_once("a", b"x")
    assert open_store(pretender.url).get("a") == b"x"


@pytest.mark.parametrize("is_renamed", [True, False])
def test_another_server_under_the_same_address_is_noticed(
    is_renamed: bool, pretender: Pretender, model_type: ModelType
) -> None:
    push(open_store(pretender.url), "g1", "v1", models(1), model_type=model_type)
    if is_renamed:
        pretender.name, pretender.is_atomic = "Another/1.0", False
    else:
        pretender.is_conditional = False
    with pytest.raises(StoreError, match="two pushes of one version could both win"):
        push(open_store(pretender.url), "g1", "v2", models(2), model_type=model_type)
    assert not [path for path in pretender.objects if path.endswith("v2.json")]


def test_a_server_that_stops_verifying_and_answers_as_before_is_read_back(
    pretender: Pretender, model_type: ModelType
) -> None:
    pretender.wrong_checksum = "BadDigest"
    push(open_store(pretender.url), "g1", "v1", models(1), model_type=model_type)
    pretender.wrong_checksum, pretender.echoes, pretender.damages = None, True, True
    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        push(open_store(pretender.url), "g1", "v2", models(2), model_type=model_type)


def test_who_asks_for_the_probe_is_told_how_it_is_now(pretender: Pretender) -> None:
    assert CliRunner().invoke(app, ["store", "probe", pretender.url]).exit_code == 0
    pretender.is_atomic = False
    assert CliRunner().invoke(app, ["store", "probe", pretender.url]).exit_code == 1


def test_a_probe_overwrites_nothing_that_is_there_and_leaves_one_object(
    s3_store: Store, s3_place: tuple[str, Path], model_type: ModelType
) -> None:
    s3_store.probe()
    path = s3_place[1] / "probe"
    path.write_bytes(b"older")
    s3_memory.remember(s3_store.url, None)
    open_store(s3_place[0]).probe()
    assert path.read_bytes() == b"older"
    assert [found.key for found in s3_store.keys("")] == ["probe"]


def test_where_nothing_may_be_deleted_pushes_work(
    proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    refusal = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(refusal)
    proxy.forget(
        lambda exchange: exchange.answer(
            head + refusal if exchange.what.startswith("DELETE") else exchange.forward()
        )
    )
    report = push(open_store(wired_url), "g1", "v1", models(1), model_type=model_type)
    assert fetch_bytes(s3_store, "g1", "v1", version(report).manifest) == contents(models(1))


def test_a_condition_that_fails_as_304_is_a_conflict_as_well(proxy: FaultyProxy, wired_url: str) -> None:
    def says_304(answer: bytes) -> bytes:
        return b"HTTP/1.1 304 Not Modified\r\n\r\n" if answer.startswith(b"HTTP/1.1 412") else answer

    proxy.forget(lambda exchange: exchange.answer(says_304(exchange.forward())))
    store = open_store(wired_url)
    assert store.probe().conditional_writes
    store.put_once("a", b"first")
    with pytest.raises(StoreError, match="a exists"):
        store.put_once("a", b"second")
    assert store.get("a") == b"first"


def test_a_bucket_that_locks_what_it_has_takes_pushes_and_of_two_one_wins(
    s3_server: Server, model_type: ModelType
) -> None:
    client = boto3.client("s3", endpoint_url=s3_server.endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    retention: DefaultRetentionTypeDef = {"Mode": "GOVERNANCE", "Days": 1}
    client.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
    )
    url = f"s3://locked/grid?endpoint={s3_server.endpoint}"
    for number, algorithm in enumerate(ChecksumAlgorithm):
        store = open_store(url)
        given = models(number)
        push(store, "g1", f"v{number}", given, model_type=model_type, algorithm=algorithm)
        assert push(store, "g1", f"v{number}", given, model_type=model_type).already_there
    with pytest.raises(VersionConflict):
        push(store, "g1", "v0", models(99), model_type=model_type)
    store.put_once("a", b"first")
    with pytest.raises(ObjectExists, match="a exists, and is locked"):
        store.put_once("a", b"second")
    assert store.probe().conditional_writes
