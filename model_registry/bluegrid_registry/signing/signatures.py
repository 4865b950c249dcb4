"""Signs versions, and checks that a trusted key has signed a version.

    sets/<set>/manifests/<sha256>.<fingerprint>.sig.json        a DSSE envelope, one object per key

The signature is over an in-toto Statement v1 of a few hundred bytes that names set, version and manifest
digest; the manifest has the digests of all models. Each key writes its own object: concurrent signers cannot
overwrite each other's signature, and signing again repairs a damaged signature. A reader looks a signature up
by its key, so nothing is listed, and only the reader's own trusted keys count.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, IntegrityError, ObjectMissing, StoreError, StoreUnreachable
from bluegrid_registry.formats.checksums import Checksum, retry_once
from bluegrid_registry.formats.layout import manifest_key
from bluegrid_registry.remedies import Remedy
from bluegrid_registry.signing.dsse import MAX_ENVELOPE_BYTES, STATEMENT_TYPE, Envelope, pae
from bluegrid_registry.stores.versions import read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry.errors import BluegridError
    from bluegrid_registry.signing.keys import PrivateKey, PublicKey
    from bluegrid_registry.stores import Store

_PREDICATE_TYPE = "urn:bluegrid:version:1"


def sign(store: Store, set_id: str, version_id: str, digest: str, key: PrivateKey) -> str:
    """Sign a version in the store, and write the signature beside its manifest.

    Signing again with the same key succeeds, and replaces a damaged signature.

    Args:
        store: the store of the version.
        set_id: the model set.
        version_id: the version.
        digest: the manifest's digest that the registry pins, `sha256:<hex>`.
        key: the signer's key.

    Returns:
        The key's fingerprint.

    Raises:
        ObjectMissing, IntegrityError, FormatError: as `read_manifest`: the manifest must be sound.
        StoreError: the store refused or did not answer.
    """
    read_manifest(store, set_id, version_id, digest)
    public = key.public("signer")
    statement = _statement(set_id, version_id, digest)
    signature = key.sign(pae(STATEMENT_TYPE, statement))
    data = Envelope.of(statement, signature, public.fingerprint).to_bytes()
    store.put(signature_key(set_id, digest, public), data, Checksum.of(data))
    return public.fingerprint


def verify_signature(
    store: Store, set_id: str, version_id: str, digest: str, keys: Sequence[PublicKey]
) -> str:
    """Return the ID of the first of `keys` that has signed the version.

    Args:
        store: the store of the version.
        set_id: the model set.
        version_id: the version.
        digest: the manifest's digest that the registry pins, `sha256:<hex>`.
        keys: the trusted keys, from the set's YAML or the pod's settings; never from the store.

    Raises:
        IntegrityError: no trusted key has signed it, or a signature is damaged, forged or of another version.
        ConfigError: there is no key to verify with.
        StoreError: the store refused or did not answer.
    """
    about = f"set {set_id} version {version_id}"
    if not keys:
        raise ConfigError(f"{about}: no keys to verify with; name them under keys: in the set's YAML")
    faults: list[BluegridError] = []
    for key in keys:
        try:
            retry_once(functools.partial(_check, store, set_id, version_id, digest, key))
        except StoreUnreachable:
            raise
        except ObjectMissing:
            continue
        except StoreError as error:
            # Without the right to list, S3 answers 403 for an absent object: another key may have signed.
            faults.append(error)
        except IntegrityError as error:
            fault = f"{about}: signature by {key.id}: {error}"
            faults.append(IntegrityError(fault, Remedy.SIGN, set=set_id, version=version_id))
        else:
            return key.id
    if faults:
        raise faults[0]
    names = ", ".join(key.id for key in keys)
    fault = f"{about}: is not signed by a trusted key ({names})"
    raise IntegrityError(fault, Remedy.SIGN_OR_TRUST, set=set_id, version=version_id)


def signature_key(set_id: str, digest: str, key: PublicKey) -> str:
    """Object key of this key's signature over the manifest with this digest."""
    stem = manifest_key(set_id, digest).removesuffix(".json.zst")
    return f"{stem}.{key.fingerprint}.sig.json"


def check_signature(data: bytes, set_id: str, version_id: str, digest: str, key: PublicKey) -> None:
    """Raise IntegrityError unless the untrusted `data` is the key's signature over this version."""
    envelope = Envelope.from_bytes(data)
    statement, (signature,) = envelope.payload, envelope.signatures
    if not key.verifies(signature.sig, pae(STATEMENT_TYPE, statement)):
        raise IntegrityError("does not match: it is damaged, forged, or another key's")
    # A sound payload has exactly these bytes; other payloads are parsed only for the message.
    if statement != _statement(set_id, version_id, digest):
        raise IntegrityError(f"is not for this version but for {_subject(statement)}")
    if signature.keyid != key.fingerprint:
        raise IntegrityError("has another key's ID: it is damaged")


def _check(store: Store, set_id: str, version_id: str, digest: str, key: PublicKey) -> None:
    data = store.get_range(signature_key(set_id, digest, key), 0, MAX_ENVELOPE_BYTES + 1)
    check_signature(data, set_id, version_id, digest, key)


def _statement(set_id: str, version_id: str, digest: str) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"{set_id}/{version_id}", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": _PREDICATE_TYPE,
        "predicate": {"set": set_id, "version": version_id},
    }
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


def _subject(statement: bytes) -> str:
    try:
        subject = json.loads(statement)["subject"][0]
        return f"{str(subject['name'])[:130]!a}, manifest {str(subject['digest']['sha256'])[:8]!a}"
    except (ValueError, LookupError, TypeError, RecursionError):
        return "something that is not a version"
