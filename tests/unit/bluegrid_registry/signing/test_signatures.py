"""A signature is accepted only if a trusted key made it for exactly this version."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluegrid_registry import (
    Checksum,
    ConfigError,
    IntegrityError,
    KeyAlgorithm,
    Manifest,
    ObjectMissing,
    PrivateKey,
    PublicKey,
    Store,
    StoreError,
    StoreUnreachable,
    open_store,
    sha256_digest,
    sign,
    verify_signature,
)
from bluegrid_registry.formats.layout import manifest_key
from bluegrid_registry.signing.dsse import MAX_ENVELOPE_BYTES, STATEMENT_TYPE, Envelope, pae
from bluegrid_registry.signing.signatures import signature_key
from tests.support.endurance import scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Sealed = tuple[Store, str, PublicKey]

OPS = PrivateKey.generate(KeyAlgorithm.ED25519)
NEXT = PrivateKey.generate(KeyAlgorithm.P256)
KEYS = (OPS.public("ops-2026"), NEXT.public("ops-2027"))


def store_in(folder: Path) -> Store:
    (folder / "store").mkdir()
    return open_store(f"file://{folder / 'store'}")


def put_manifest(store: Store, version: str) -> str:
    """Put a manifest as a push does, and return its digest; signatures cover nothing else."""
    pack = "a" * 64
    row = {"uid": "line-1", "pack": pack, "offset": 12, "length": 9, "raw_length": 9, "sha256": "b" * 64}
    document = {
        "set": "g1",
        "version": version,
        "type": "scikit-learn/skops",
        "packs": [{"name": pack, "size": 99}],
        "models": [row],
    }
    data = Manifest.model_validate_json(json.dumps(document)).to_bytes()
    digest = sha256_digest(data)
    store.put(manifest_key("g1", digest), data, Checksum.of(data))
    return digest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def digest(store: Store) -> str:
    return put_manifest(store, "v1")


def put(store: Store, digest: str, key: PublicKey, data: bytes) -> None:
    store.put(signature_key("g1", digest, key), data, Checksum.of(data))


def refusal(store: Store, digest: str, *keys: PublicKey, version: str = "v1") -> str:
    with pytest.raises(IntegrityError) as caught:
        verify_signature(store, "g1", version, digest, keys)
    message = str(caught.value)
    assert message.startswith(f"set g1 version {version}: ")
    assert message.isprintable()
    assert "; sign it with" in message
    return message


def test_what_is_signed_is_encoded_as_in_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_a_signed_version_is_believed_by_who_trusts_the_key(
    algorithm: KeyAlgorithm, store: Store, digest: str
) -> None:
    key = PrivateKey.generate(algorithm)
    sign(store, "g1", "v1", digest, key)
    assert verify_signature(store, "g1", "v1", digest, [key.public("ops")]) == "ops"


def test_an_unsigned_version_is_refused(store: Store, digest: str) -> None:
    assert "is not signed by a trusted key (ops-2026, ops-2027)" in refusal(store, digest, *KEYS)


def test_a_signature_by_an_unknown_key_is_none(store: Store, digest: str) -> None:
    sign(store, "g1", "v1", digest, PrivateKey.generate(KeyAlgorithm.ED25519))
    assert "is not signed by a trusted key (ops-2026, ops-2027)" in refusal(store, digest, *KEYS)


def test_no_keys_verify_nothing(store: Store, digest: str) -> None:
    sign(store, "g1", "v1", digest, OPS)
    with pytest.raises(ConfigError, match="no keys to verify with; name them"):
        verify_signature(store, "g1", "v1", digest, [])


def test_what_is_not_in_the_store_is_not_signed(store: Store, digest: str) -> None:
    with pytest.raises(ObjectMissing):
        sign(store, "g1", "v1", "sha256:" + "0" * 64, OPS)
    with pytest.raises(IntegrityError, match="is of set g1 version v1"):
        sign(store, "g1", "v2", digest, OPS)


def test_another_keys_signature_under_a_trusted_keys_name_is_refused(store: Store, digest: str) -> None:
    stranger = PrivateKey.generate(KeyAlgorithm.ED25519)
    sign(store, "g1", "v1", digest, stranger)
    forged = store.get(signature_key("g1", digest, stranger.public("stranger")))
    put(store, digest, KEYS[0], forged)
    assert "signature by ops-2026: does not match" in refusal(store, digest, *KEYS)
    envelope = Envelope.from_bytes(forged)
    put(
        store,
        digest,
        KEYS[0],
        Envelope.of(envelope.payload, envelope.signatures[0].sig, KEYS[0].fingerprint).to_bytes(),
    )
    assert "signature by ops-2026: does not match" in refusal(store, digest, *KEYS)


def test_a_signature_is_not_believed_for_another_version(store: Store, digest: str) -> None:
    later = put_manifest(store, "v2")
    sign(store, "g1", "v1", digest, OPS)
    put(store, later, KEYS[0], store.get(signature_key("g1", digest, KEYS[0])))
    assert "is not for this version but for 'g1/v1', manifest" in refusal(store, later, *KEYS, version="v2")


def test_a_signature_is_not_believed_for_another_name_of_the_same_manifest(store: Store, digest: str) -> None:
    sign(store, "g1", "v1", digest, OPS)
    assert "is not for this version but for 'g1/v1'" in refusal(store, digest, *KEYS, version="v2")


@pytest.mark.parametrize("payload", [b"", b"{}", b"[" * 5000, b'{"subject": [{"name": "\\u001b[31m"}]}'])
def test_a_trusted_key_over_another_payload_is_refused(payload: bytes, store: Store, digest: str) -> None:
    signature = OPS.sign(pae(STATEMENT_TYPE, payload))
    put(store, digest, KEYS[0], Envelope.of(payload, signature, KEYS[0].fingerprint).to_bytes())
    assert "is not for this version but for something" in refusal(store, digest, *KEYS)


def test_a_damaged_signature_beside_a_good_one_does_no_harm(store: Store, digest: str) -> None:
    sign(store, "g1", "v1", digest, NEXT)
    put(store, digest, KEYS[0], b"garbage")
    assert verify_signature(store, "g1", "v1", digest, KEYS) == "ops-2027"


def test_signing_again_mends_a_damaged_signature(store: Store, digest: str) -> None:
    put(store, digest, KEYS[0], b"garbage")
    sign(store, "g1", "v1", digest, OPS)
    sign(store, "g1", "v1", digest, OPS)
    assert verify_signature(store, "g1", "v1", digest, KEYS) == "ops-2026"


def test_two_that_sign_at_once_both_end_well(store: Store, digest: str) -> None:
    keys = [PrivateKey.generate(KeyAlgorithm.ED25519) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: sign(store, "g1", "v1", digest, key), keys * 3))
    for number, key in enumerate(keys):
        name = f"ops-{number}"
        assert verify_signature(store, "g1", "v1", digest, [key.public(name)]) == name


def _signed(store: Store, digest: str) -> dict[str, Any]:
    sign(store, "g1", "v1", digest, OPS)
    document: dict[str, Any] = json.loads(store.get(signature_key("g1", digest, KEYS[0])))
    return document


def _with(**changes: object) -> Callable[[dict[str, Any]], str]:
    return lambda document: json.dumps(document | changes, sort_keys=True)


HOSTILE: dict[str, Callable[[dict[str, Any]], str]] = {
    "empty": lambda _: "",
    "null": lambda _: "null",
    "huge": lambda document: json.dumps(document) + " " * MAX_ENVELOPE_BYTES,
    "deep": lambda _: "[" * 8000,
    "a deep value": lambda document: json.dumps(document | {"payload": 0}).replace("0", "[" * 3000, 1),
    "trailing data": lambda document: json.dumps(document, sort_keys=True) + "\n{}",
    "trailing space": lambda document: json.dumps(document, sort_keys=True) + " \n",
    "many signatures": lambda document: json.dumps(document | {"signatures": document["signatures"] * 40}),
    "no signature": _with(signatures=[]),
    "an unknown name": _with(more=1),
    "a name for terminals": _with(**{"\n\x1b[31m" * 1000: 1}),
    "a name twice": lambda document: json.dumps(document).replace("{", '{"payload": "", ', 1),
    "another type": _with(payloadType="text/plain"),
    "not base64": _with(payload="*"),
    "not ASCII": _with(payload="é"),
    "a surrogate": _with(payload="\ud800"),
    "a number": _with(payload=7),
    "URL-safe base64": _with(payload="-_8="),
    "loose base64": _with(payload="YR=="),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_envelope_is_refused_in_one_line(how: str, store: Store, digest: str) -> None:
    put(store, digest, KEYS[0], HOSTILE[how](_signed(store, digest)).encode())
    message = refusal(store, digest, *KEYS)
    assert "signature by ops-2026: is " in message
    assert len(message) < 300


class Watched:
    """A reader without access to one of the objects, as with S3 accounts that are not allowed to list."""

    def __init__(self, store: Store, forbidden: str = "") -> None:
        self.url = store.url
        self.asked: list[int] = []
        self._store, self._forbidden = store, forbidden

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        self.asked.append(length)
        if key == self._forbidden:
            raise StoreError("refused (AccessDenied); check the credentials")
        return self._store.get_range(key, offset, length)


def test_a_huge_object_is_not_read_whole(store: Store, digest: str) -> None:
    put(store, digest, KEYS[0], b"x" * (MAX_ENVELOPE_BYTES * 10))
    watched = Watched(store)
    with pytest.raises(IntegrityError, match="larger than"):
        verify_signature(watched, "g1", "v1", digest, KEYS[:1])  # type: ignore[arg-type]
    assert max(watched.asked) <= MAX_ENVELOPE_BYTES + 1


def test_a_signature_that_may_not_be_read_does_not_hide_another(store: Store, digest: str) -> None:
    watched = Watched(store, forbidden=signature_key("g1", digest, KEYS[0]))
    with pytest.raises(StoreError, match="AccessDenied"):
        verify_signature(watched, "g1", "v1", digest, KEYS)  # type: ignore[arg-type]
    sign(store, "g1", "v1", digest, NEXT)
    assert verify_signature(watched, "g1", "v1", digest, KEYS) == "ops-2027"  # type: ignore[arg-type]


def test_a_store_that_does_not_answer_is_not_an_unsigned_version(store: Store, digest: str) -> None:
    sign(store, "g1", "v1", digest, OPS)
    gone = open_store(f"{store.url}-gone")
    with pytest.raises(StoreUnreachable):
        verify_signature(gone, "g1", "v1", digest, KEYS)


@pytest.fixture(scope="module", params=[OPS, NEXT], ids=["ed25519", "p256"])
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("sealed")
    store = store_in(folder)
    digest = put_manifest(store, "v1")
    sign(store, "g1", "v1", digest, request.param)
    return store, digest, request.param.public("ops")


@given(data=st.data())
@settings(max_examples=scale(60, 10_000))
def test_a_flipped_bit_of_an_envelope_is_never_accepted(data: st.DataObject, sealed: Sealed) -> None:
    store, digest, key = sealed
    name = signature_key("g1", digest, key)
    good = store.get(name)
    place = data.draw(st.integers(0, len(good) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(good)
    flipped[place] ^= 1 << bit
    try:
        put(store, digest, key, bytes(flipped))
        refusal(store, digest, key)
    finally:
        put(store, digest, key, good)
    assert verify_signature(store, "g1", "v1", digest, [key]) == "ops"


@given(data=st.data())
@settings(max_examples=scale(60, 10_000))
def test_a_manifest_with_a_flipped_bit_has_no_signature(data: st.DataObject, sealed: Sealed) -> None:
    store, digest, key = sealed
    manifest = bytearray(store.get(manifest_key("g1", digest)))
    manifest[data.draw(st.integers(0, len(manifest) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    # The worst case: the registry's digest was altered to fit, and the signature copied beside it.
    other = sha256_digest(bytes(manifest))
    put(store, other, key, store.get(signature_key("g1", digest, key)))
    refusal(store, other, key)


@given(garbage=st.binary(max_size=2000))
@settings(max_examples=scale(60, 10_000))
def test_any_bytes_are_an_envelope_or_one_line(garbage: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"^is "):
        Envelope.from_bytes(garbage)


def test_the_envelope_is_what_any_dsse_reader_expects(store: Store, digest: str) -> None:
    document = _signed(store, digest)
    assert document["payloadType"] == "application/vnd.in-toto+json"
    statement = json.loads(base64.b64decode(str(document["payload"])))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "g1/v1", "digest": {"sha256": digest[7:]}}]
    assert statement["predicate"] == {"set": "g1", "version": "v1"}
