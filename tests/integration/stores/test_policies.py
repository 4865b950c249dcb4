"""Each account of a store does its work with the documented policy, and with no other rights."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bluegrid_registry import StoreError, collect_garbage, fetch, open_store, push, verify
from bluegrid_registry.signing.keys import KeyAlgorithm, PrivateKey
from bluegrid_registry.signing.signatures import sign
from bluegrid_registry.stores import Account
from tests.integration.stores.conftest import ACCESS_KEY, BUCKET, SECRET_KEY, Place, running_server, versitygw
from tests.integration.stores.garbage import age, keys, later, registry
from tests.integration.stores.versions import models, small_packs, version
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bluegrid_registry import ModelType, Store

POLICIES = CHECKOUT / "docs" / "operations" / "iam"
NAMES = tuple(sorted(path.stem for path in POLICIES.glob("*.json")))
PREFIX = "grid"
"""The prefix of the policies, in the bucket of the other tests of stores."""


def statements(name: str) -> list[dict[str, Any]]:
    """Return the statements of a policy, as those of a bucket's policy."""
    written = json.loads((POLICIES / f"{name}.json").read_text())["Statement"]
    return [
        statement | {"Sid": f"{name}{statement['Sid']}", "Principal": {"AWS": [name]}}
        for statement in written
    ]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give the place of the policies, on a server that knows the three accounts."""
    root, accounts = tmp_path_factory.mktemp("s3"), tmp_path_factory.mktemp("accounts")
    (root / BUCKET).mkdir()
    with running_server(root, "--iam-dir", str(accounts)) as server:
        for name in NAMES:
            options = ("--access", name, "--secret", f"secret of {name}", "--role", "user")
            admin = {
                "ENDPOINT_URL": server.endpoint,
                "ACCESS_KEY_ID": ACCESS_KEY,
                "SECRET_ACCESS_KEY": SECRET_KEY,
            }
            environment = {f"ADMIN_{key}": value for key, value in admin.items()}
            subprocess.run([versitygw(), "admin", "create-user", *options], env=environment, check=True)
        policy = {"Version": "2012-10-17", "Statement": [row for name in NAMES for row in statements(name)]}
        administrator = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        administrator.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        yield Place(f"s3://{BUCKET}/{PREFIX}?endpoint={server.endpoint}", root / BUCKET / PREFIX)


@pytest.fixture
def place(bucket: Place) -> Place:
    """Give an empty store."""
    shutil.rmtree(bucket.folder, ignore_errors=True)
    return bucket


@pytest.fixture
def open_as(place: Place) -> Callable[..., Store]:
    """Open the store, or another prefix of its bucket, as an account."""

    def opened(name: str, prefix: str = PREFIX) -> Store:
        url = place.url.replace(f"/{PREFIX}?", f"/{prefix}?")
        return open_store(url, Account(name, f"secret of {name}"))

    return opened


def test_there_is_a_policy_for_each_account() -> None:
    assert NAMES == ("reader", "upkeep", "writer")


def test_the_writer_pushes_signs_and_repairs(
    open_as: Callable[..., Store], place: Place, model_type: ModelType
) -> None:
    store = open_as("writer")
    first = push(store, "g1", "v1", models(1), model_type=model_type)
    (pack,) = (path for path in place.folder.glob("sets/g1/packs/**/*") if path.is_file())
    pack.write_bytes(b"damaged")
    assert push(store, "g1", "v1", models(1), model_type=model_type).packs_healed == 1
    second = push(store, "g1", "v2", models(2, 1), model_type=model_type, base=version(first))
    sign(store, "g1", "v2", second.manifest, PrivateKey.generate(KeyAlgorithm.ED25519))
    assert verify(store, "g1", [version(first), version(second)]).is_sound


def test_the_readers_account_fetches_and_verifies(
    open_as: Callable[..., Store], model_type: ModelType, tmp_path: Path
) -> None:
    pushed = push(open_as("writer"), "g1", "v1", models(1), model_type=model_type)
    store = open_as("reader")
    assert len(fetch(store, "g1", "v1", pushed.manifest, tmp_path / "models").paths) == 3
    assert verify(store, "g1", [version(pushed)]).is_sound


def test_the_upkeep_account_collects_garbage(
    open_as: Callable[..., Store],
    place: Place,
    model_type: ModelType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_packs(monkeypatch)
    first = push(open_as("writer"), "g1", "v1", models(1), model_type=model_type)
    push(open_as("writer"), "g1", "v2", models(2), model_type=model_type)
    age(place, 100)
    store = open_as("upkeep")
    for days in (0, 31, 33):
        collect_garbage(store, "g1", registry(first), apply=True, now=later(days))
    assert not [key for key in keys(store) if "v2" in key]
    assert verify(store, "g1", [version(first)]).is_sound


def test_the_readers_account_writes_nothing(
    open_as: Callable[..., Store], place: Place, model_type: ModelType
) -> None:
    with pytest.raises(StoreError, match="refused"):
        push(open_as("reader"), "g1", "v1", models(1), model_type=model_type)
    assert not [*place.folder.glob("sets/g1/**/*")]


@pytest.mark.parametrize("name", ["reader", "writer"])
def test_only_the_upkeep_account_deletes(
    name: str, open_as: Callable[..., Store], model_type: ModelType
) -> None:
    push(open_as("writer"), "g1", "v1", models(1), model_type=model_type)
    (commit,) = (found.key for found in open_as("upkeep").keys("sets/g1/versions/"))
    with pytest.raises(StoreError, match="refused"):
        open_as(name).delete(commit)


@pytest.mark.parametrize("name", NAMES)
def test_no_account_reads_or_lists_beside_its_prefix(
    name: str, open_as: Callable[..., Store], place: Place
) -> None:
    beside = place.folder.parent / "beside"
    beside.mkdir(exist_ok=True)
    (beside / "object").write_bytes(b"of somebody else")
    store = open_as(name, "beside")
    with pytest.raises(StoreError, match="refused"):
        store.get("object")
    with pytest.raises(StoreError, match="refused"):
        list(store.keys(""))
