"""Export: a version as a plain folder that the original `model_signing` command verifies.

    <folder>/
    ├── line-17.skops       one file or folder per model, named by its UID; see `export_names`
    ├── feeder/7.skops
    ├── ...
    ├── examples.json       recorded examples by UID, if the version has any
    ├── lineage.json        lineages by UID, if the version has any
    └── model.sig           OpenSSF model signature over the SHA-256 of every file

Source: the OpenSSF Model Signing specification (github.com/sigstore/model-transparency, `docs/`): a sigstore
bundle v0.3 with an in-toto Statement v1 in a DSSE envelope. This module needs `cryptography` only:
`model_signing` would install the whole client of sigstore's online services.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.formats.checksums import sha256_hex
from bluegrid_registry.maintenance.export_names import export_paths
from bluegrid_registry.remedies import Remedy
from bluegrid_registry.signing.dsse import STATEMENT_TYPE, Envelope, pae
from bluegrid_registry.signing.keys import KeyAlgorithm
from bluegrid_registry.transfer.examples_file import EXAMPLES, write_examples
from bluegrid_registry.transfer.fetch import fetch
from bluegrid_registry.transfer.lineage_file import LINEAGE, write_lineage
from bluegrid_registry.transfer.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_registry.signing.keys import PrivateKey, PublicKey
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.fetch import FetchedVersion
    from bluegrid_registry.transfer.progress import Progress

SIGNATURE = "model.sig"
"""The signature's file in the folder; `model_signing` does not hash it."""


def export_model_signing(
    store: Store,
    set_id: str,
    version_id: str,
    digest: str,
    into: Path,
    key: PrivateKey,
    *,
    trusted: Sequence[PublicKey] = (),
    progress: Progress = ignore,
) -> Path:
    """Write a verified version into the folder `into`, all or nothing, signed for `model_signing verify key`.

    Args:
        store: the store of the version.
        set_id: the model set.
        version_id: the version.
        digest: the manifest's digest that the registry pins, `sha256:<hex>`.
        into: a folder that is empty or does not exist yet.
        key: a P-256 key; `model_signing` does not verify Ed25519.
        trusted: if given, one of these keys must have signed the version.
        progress: is called as by `fetch`.

    Returns:
        The signature's path.

    Raises:
        ConfigError: the key is not a P-256 key, or the folder is not empty or cannot be written.
        IntegrityError, FormatError, StoreError: as `fetch`.
    """
    if key.algorithm is not KeyAlgorithm.P256:
        fault = "the key is Ed25519, which model_signing does not verify"
        raise ConfigError(fault, Remedy.MAKE_EXPORT_KEY)
    try:
        if into.exists() and any(into.iterdir()):
            raise ConfigError(f"{into}: is not empty; name a new folder")
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as scratch:
            folder, partial = Path(scratch, "fetched"), Path(scratch, "export")
            fetched = fetch(store, set_id, version_id, digest, folder, keys=trusted, progress=progress)
            partial.mkdir()
            resources = _place(fetched, partial)
            (partial / SIGNATURE).write_bytes(_bundle(f"{set_id}/{version_id}", resources, key))
            partial.rename(into)
    except OSError as error:
        reason = f"{error.strerror or error} ({error.filename})"
        raise ConfigError(f"{into}: {reason}; check free space and permissions") from None
    return into / SIGNATURE


def _place(fetched: FetchedVersion, folder: Path) -> dict[str, str]:
    """Copy each model to a name with its UID; return the SHA-256 of every file by its path in `folder`."""
    paths = export_paths(fetched.paths, fetched.manifest.type.file_type, {SIGNATURE, EXAMPLES, LINEAGE})
    for uid, source in fetched.paths.items():
        target = folder / paths[uid]
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, target)
    if fetched.examples:
        write_examples(folder / EXAMPLES, fetched.examples)
    if lineage := {row.uid: row.lineage for row in fetched.manifest.models if row.lineage}:
        write_lineage(folder / LINEAGE, lineage)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bundle(name: str, resources: Mapping[str, str], key: PrivateKey) -> bytes:
    statement = json.dumps(_statement(name, resources)).encode()
    envelope = Envelope.of(statement, key.sign(pae(STATEMENT_TYPE, statement)), keyid="")
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            # model_signing's hint is the SHA-256 of the PEM text, not of the DER.
            "publicKey": {"hint": sha256_hex(key.public("export").pem)},
            "tlogEntries": [],
        },
        "dsseEnvelope": envelope.model_dump(mode="json"),
    }
    return json.dumps(bundle).encode()


def _statement(name: str, resources: Mapping[str, str]) -> dict[str, object]:
    rows = [{"name": path, "algorithm": "sha256", "digest": resources[path]} for path in sorted(resources)]
    root = sha256_hex(b"".join(bytes.fromhex(row["digest"]) for row in rows))
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [SIGNATURE],
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"serialization": serialization, "resources": rows},
    }
