"""The stock `model_signing` command accepts an export, and refuses it after any change."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    IntegrityError,
    KeyAlgorithm,
    Lineage,
    ModelType,
    PrivateKey,
    SourceModel,
    Store,
    export_model_signing,
    models_in_folder,
    open_store,
    push,
    sign,
)

if TYPE_CHECKING:
    from pathlib import Path


SKOPS = ModelType.parse("scikit-learn/skops")
KEY = PrivateKey.generate(KeyAlgorithm.P256)
UIDS = ("line-17", "Umspannwerk Köln 3", "変圧器-1", "a b'$;", "🔌")
PATHS = ("feeder/7", "feeder.skops/7", "feeder", "..", "/a//b", "model.sig/x", "C:\\100%")
"""UIDs that look like paths."""


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    """A store with version v1 of set g1, and its manifest's digest; two devices share a model."""
    folder = tmp_path_factory.mktemp("version")
    (folder / "store").mkdir()
    models = []
    for number, uid in enumerate((*UIDS, *PATHS)):
        path = folder / f"{number}.skops"
        path.write_bytes(b"model %d" % min(number, 3))
        models.append(SourceModel(uid, path))
    store = open_store(f"file://{folder / 'store'}")
    return store, push(store, "g1", "v1", models, model_type=SKOPS).manifest


@pytest.fixture
def exported(version: tuple[Store, str], tmp_path: Path) -> Path:
    store, digest = version
    signature = export_model_signing(store, "g1", "v1", digest, tmp_path / "out" / "g1", KEY)
    return signature.parent


def verified(folder: Path, key: PrivateKey = KEY) -> subprocess.CompletedProcess[str]:
    """Run the stock command as a user does."""
    pem = folder.parent / "ops.pub"
    pem.write_bytes(key.public("ops").pem)
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    command += ["--signature", str(folder / "model.sig"), "--public_key", str(pem)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_stock_command_accepts_an_export(exported: Path) -> None:
    files = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    of_paths = {
        "feeder/7.skops",
        "feeder%2Eskops/7.skops",
        "feeder.skops",
        "%2E%2E.skops",
        "%2Fa%2F%2Fb.skops",
        "model%2Esig/x.skops",
        "C%3A%5C100%25.skops",
    }
    assert files == {*(f"{uid}.skops" for uid in UIDS), *of_paths, "model.sig"}
    assert (exported / "変圧器-1.skops").read_bytes() == b"model 2"
    done = verified(exported)
    assert (done.returncode, done.stdout) == (0, "Verification succeeded\n"), done.stderr
    assert list(exported.parent.glob(".*")) == []


def test_the_stock_command_refuses_an_altered_model(exported: Path) -> None:
    path = exported / "Umspannwerk Köln 3.skops"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    done = verified(exported)
    assert done.returncode == 1
    assert "Hash mismatch" in done.stderr
    assert path.name in done.stderr


def test_the_stock_command_refuses_an_extra_file(exported: Path) -> None:
    (exported / "line-18.skops").write_bytes(b"not ours")
    done = verified(exported)
    assert done.returncode == 1
    assert "Extra files found" in done.stderr


def test_the_stock_command_refuses_another_key(exported: Path) -> None:
    done = verified(exported, PrivateKey.generate(KeyAlgorithm.P256))
    assert done.returncode == 1
    assert "Key mismatch" in done.stderr


def test_an_ed25519_key_is_refused_with_a_remedy(version: tuple[Store, str], tmp_path: Path) -> None:
    store, digest = version
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    with pytest.raises(ConfigError, match="make a P-256 key"):
        export_model_signing(store, "g1", "v1", digest, tmp_path / "out", key)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(version: tuple[Store, str], tmp_path: Path) -> None:
    store, digest = version
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        export_model_signing(store, "g1", "v1", digest, tmp_path, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_only_what_a_trusted_key_signed_is_exported(version: tuple[Store, str], tmp_path: Path) -> None:
    store, digest = version
    ops = PrivateKey.generate(KeyAlgorithm.ED25519)
    trusted = [ops.public("ops-2026")]
    with pytest.raises(IntegrityError, match="is not signed by a trusted key"):
        export_model_signing(store, "g1", "v1", digest, tmp_path / "out", KEY, trusted=trusted)
    assert list(tmp_path.iterdir()) == []
    sign(store, "g1", "v1", digest, ops)
    assert export_model_signing(store, "g1", "v1", digest, tmp_path / "out", KEY, trusted=trusted).exists()


def test_a_uid_that_is_too_long_for_a_file_name_gets_a_shorter_one(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "long.skops").write_bytes(b"a model")
    store = open_store(f"file://{tmp_path / 'store'}")
    models = [SourceModel("変" * 200, tmp_path / "long.skops")]
    digest = push(store, "g1", "v1", models, model_type=SKOPS).manifest
    export_model_signing(store, "g1", "v1", digest, tmp_path / "out", KEY)
    (path,) = (tmp_path / "out").glob("*.skops")
    assert path.name.startswith("変" * 40 + "~")
    assert path.read_bytes() == b"a model"


def test_a_push_of_an_export_keeps_the_lineage_of_its_models(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(f"file://{tmp_path / 'store'}")
    trained = Lineage(author="ada", metrics={"mae": 0.031})
    models = [SourceModel("feeder/7", b"a model", lineage=trained), SourceModel("line-1", b"another")]
    digest = push(store, "g1", "v1", models, model_type=SKOPS).manifest
    signature = export_model_signing(store, "g1", "v1", digest, tmp_path / "out", KEY)
    assert verified(signature.parent).returncode == 0
    found = models_in_folder(signature.parent, SKOPS, [signature.name])
    assert {model.uid: model.lineage for model in found} == {"feeder/7": trained, "line-1": None}


def test_a_folder_that_cannot_be_written_is_told_on_one_line(
    version: tuple[Store, str], tmp_path: Path
) -> None:
    store, digest = version
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="check free space and permissions") as caught:
        export_model_signing(store, "g1", "v1", digest, tmp_path / "file" / "out", KEY)
    assert "\n" not in str(caught.value)
