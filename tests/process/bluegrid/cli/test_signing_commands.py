"""Keys, signatures and exports as a user types them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from bluegrid_registry import (
    KeyAlgorithm,
    ModelType,
    PrivateKey,
    SourceModel,
    open_store,
    push,
    sign,
)
from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from pathlib import Path

TYPE = "scikit-learn/skops"
SET = f"set: {{id: g1, name: Loading, task: regression, type: {TYPE}, source: platform, keys: []}}\n"


def bluegrid(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BLUEGRID, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )


class Place(NamedTuple):
    """A pushed version g1/v1, its registry and its store."""

    folder: Path
    store: str
    digest: str

    def run(self, *arguments: str | Path, **environment: str) -> str:
        done = bluegrid(*arguments, **self._where(), **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str | Path) -> str:
        done = bluegrid(*arguments, **self._where())
        assert (done.returncode, done.stderr) == (1, "")
        return done.stdout

    def refused(self, *arguments: str | Path, **environment: str) -> str:
        done = bluegrid(*arguments, **self._where(), **environment)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        return line

    def new_key(self, key_id: str, algorithm: KeyAlgorithm, passphrase: str | None = None) -> Path:
        """Make a key and name it in the set's YAML."""
        key = PrivateKey.generate(algorithm)
        key.write(self.folder / f"{key_id}.pem", passphrase)
        row = f'{{id: {key_id}, public: "{key.public(key_id).text}"}}'
        file = self.folder / "registry" / "g1.yaml"
        file.write_text(file.read_text().replace("keys: [", f"keys: [{row}, "))
        return self.folder / f"{key_id}.pem"

    def sign(self, key: Path) -> None:
        sign(open_store(self.store), "g1", "v1", self.digest, PrivateKey.read(key))

    def _where(self) -> dict[str, str]:
        return {"BLUEGRID_REGISTRY": str(self.folder / "registry"), "BLUEGRID_STORE": self.store}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("registry", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "line-1.skops").write_bytes(b"a model")
    model = SourceModel("line-1", tmp_path / "line-1.skops")
    store = f"file://{tmp_path / 'store'}"
    digest = push(open_store(store), "g1", "v1", [model], model_type=ModelType.parse(TYPE)).manifest
    version = f'{{id: v1, manifest: "{digest}", updated: 2026-11-22T08:00:00Z}}'
    (tmp_path / "registry" / "g1.yaml").write_text(f"{SET}versions: [{version}]\n")
    return Place(tmp_path, store, digest)


def test_a_new_key_is_its_owners_and_its_row_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "ops.pem"
    done = bluegrid("key", "add", "ops-2026", "--out", path, BLUEGRID_KEY_PASSPHRASE="secret")
    assert re.fullmatch(r'- \{id: ops-2026, public: "MCowBQYDK2VwAyEA\S+"\}\n', done.stdout)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()


def test_a_version_is_signed_and_verified(place: Place) -> None:
    key = place.new_key("ops-2026", KeyAlgorithm.ED25519, "secret")
    signed = place.run("version", "sign", "g1", "v1", "--key", key, BLUEGRID_KEY_PASSPHRASE="secret")
    assert "set g1 version v1: signed as ops-2026" in signed
    assert json.loads(place.run("version", "verify-signature", "g1", "v1", "--json"))["key"] == "ops-2026"


def test_a_key_that_the_set_does_not_name_is_told_when_signing(place: Place) -> None:
    key = place.folder / "mine.pem"
    PrivateKey.generate(KeyAlgorithm.ED25519).write(key)
    assert "does not name this key" in place.run("version", "sign", "g1", "v1", "--key", key)


def test_keys_are_rotated_without_a_gap(place: Place) -> None:
    place.sign(place.new_key("ops-2026", KeyAlgorithm.ED25519))
    new = place.new_key("ops-2027", KeyAlgorithm.P256)
    assert "signed by ops-2026" in place.run("version", "verify-signature", "g1", "v1")
    place.sign(new)
    file = place.folder / "registry" / "g1.yaml"
    file.write_text(re.sub(r"\{id: ops-2026.*?\}, ", "", file.read_text()))
    assert "signed by ops-2027" in place.run("version", "verify-signature", "g1", "v1")


def test_verify_says_who_has_signed(place: Place) -> None:
    assert "signed" not in place.run("verify", "g1")
    key = place.new_key("ops-2026", KeyAlgorithm.ED25519)
    place.new_key("ops-2027", KeyAlgorithm.ED25519)
    unsigned = place.fails("verify", "g1")
    assert (
        "not signed v1 by a trusted key (ops-2027, ops-2026); `bluegrid version sign g1 v1 --key FILE`"
        in unsigned
    )
    place.sign(key)
    assert "\n  signed v1 by ops-2026" in place.run("verify", "g1")
    found = json.loads(place.run("verify", "g1", "v1", "--json"))
    assert found["signatures"] == {"v1": {"good": ["ops-2026"], "wrong": [], "missing": ["ops-2027"]}}
    (signature,) = place.folder.rglob("*.sig.json")
    signature.write_bytes(b"rot")
    assert "signature by ops-2026: is not a DSSE envelope" in place.fails("verify", "g1")
    found = json.loads(place.fails("verify", "g1", "--json"))
    assert (found["sound"], found["signatures"]["v1"]["wrong"]) == (False, ["ops-2026"])


def test_refusals_are_one_line(place: Place) -> None:
    assert "no keys to verify with" in place.refused("version", "verify-signature", "g1", "v1")
    key = place.new_key("ops-2026", KeyAlgorithm.ED25519)
    assert "is not signed by a trusted key (ops-2026)" in place.refused(
        "version", "verify-signature", "g1", "v1"
    )
    assert "is not an ID" in place.refused("key", "add", "a b", "--out", place.folder / "other.pem")
    assert not (place.folder / "other.pem").exists()
    assert "no version v9" in place.refused("version", "sign", "g1", "v9", "--key", key)
    assert "--algorithm p256" in place.refused(
        "version", "export", "g1", "v1", place.folder / "out", "--key", key
    )


def test_an_export_is_of_what_a_trusted_key_signed_and_the_stock_command_verifies_it(place: Place) -> None:
    key = place.new_key("ops-2026", KeyAlgorithm.P256)
    out = place.folder / "out"
    assert "is not signed" in place.refused("version", "export", "g1", "v1", out, "--key", key)
    place.sign(key)
    message = place.run("version", "export", "g1", "v1", out, "--key", key)
    (command,) = re.findall("`model_signing (.*)`", message)
    done = subprocess.run([sys.executable, "-m", "model_signing", *command.split()], check=False)
    assert done.returncode == 0
