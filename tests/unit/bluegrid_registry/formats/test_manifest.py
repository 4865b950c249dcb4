"""The same models give the same manifest, and a hostile manifest is refused even if its digest is right."""

from __future__ import annotations

import json
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bluegrid_registry import ConfigError, FormatError, IntegrityError, Manifest, sha256_digest

PACK, OTHER = "a" * 64, "b" * 64


def row(number: int, **changes: object) -> dict[str, Any]:
    return {
        "uid": f"line-{number:02}",
        "pack": PACK,
        "offset": 100 + number * 10,
        "length": 10,
        "raw_length": 20,
        "sha256": f"{number:064x}",
        **changes,
    }


def document(*rows: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "set": "g1",
        "version": "v1",
        "type": "scikit-learn/skops",
        "packs": [{"name": PACK, "size": 1000}],
        "models": list(rows) or [row(1), row(2)],
        **changes,
    }


EXAMPLE = {"inputs": [[1.5, 2.0], [0.1, 1e-9]], "outputs": [3, 0.1], "rtol": 1e-3}


def place(number: int, **changes: object) -> dict[str, Any]:
    """Return the place of a model's examples in the pack."""
    sha256 = f"{number + 100:064x}"
    return {
        "pack": PACK,
        "offset": 490 + number * 10,
        "length": 10,
        "raw_length": 20,
        "sha256": sha256,
        **changes,
    }


def placed(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return a document of format 2."""
    return document(*rows, format="bluegrid-manifest/2")


def traced(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return a document of format 3."""
    return document(*rows, format="bluegrid-manifest/3")


LINEAGE = {"author": "ada", "metrics": {"mae": 0.031}, "requirements": ["numpy==2.3"], "tags": {"a": "b"}}


def manifest(*rows: dict[str, Any], **changes: object) -> Manifest:
    return Manifest.model_validate(document(*rows, **changes))


def stored(text: bytes) -> tuple[bytes, str]:
    data = zstandard.ZstdCompressor().compress(text)
    return data, sha256_digest(data)


def test_a_manifest_comes_back_as_it_was() -> None:
    inline = manifest(row(1, example=EXAMPLE), row(2))
    in_packs = Manifest.model_validate(placed(row(1, examples=place(1)), row(2, examples=place(1)), row(3)))
    with_lineage = Manifest.model_validate(traced(row(1, examples=place(1), lineage=LINEAGE), row(2)))
    for original in (inline, in_packs, with_lineage):
        data = original.to_bytes()
        assert Manifest.from_bytes(data, sha256_digest(data)) == original


def test_the_keys_of_a_manifest_are_sorted() -> None:
    in_packs = Manifest.model_validate(placed(row(1, examples=place(1)), row(2)))
    with_lineage = Manifest.model_validate(traced(row(1, examples=place(1), lineage=LINEAGE)))
    for original in (manifest(row(1, example=EXAMPLE)), in_packs, with_lineage):
        text = zstandard.ZstdDecompressor().decompress(original.to_bytes())
        assert json.dumps(json.loads(text)) == json.dumps(json.loads(text), sort_keys=True)


def test_the_same_manifest_is_the_same_bytes() -> None:
    assert manifest().to_bytes() == manifest().to_bytes()
    assert manifest().to_bytes() != manifest(version="v2").to_bytes()


@given(st.data())
def test_a_changed_byte_is_refused_before_anything_is_read(data: st.DataObject) -> None:
    original = manifest().to_bytes()
    changed = bytearray(original)
    changed[data.draw(st.integers(0, len(original) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError, match="SHA-256 differs"):
        Manifest.from_bytes(bytes(changed), sha256_digest(original))


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (document(row(1), row(1)), "models: line-01 is there twice"),
        (document(row(1), row(2, uid="line-01")), "models: line-01 is there twice"),
        (document(row(2), row(1)), "models: line-01 stands after line-02; they are sorted"),
        (document(row(1, uid="x" * 1000)), "a UID of 1000 characters"),
        (document(row(1, uid="line\n1")), "not of printable characters"),
        (document(row(1), row(2, offset=115)), "two models overlap in pack aaaaaaaa at byte 115"),
        (document(row(1), row(2, offset=110)), "two models overlap"),
        (document(row(1, length=891)), "a model ends beyond pack aaaaaaaa, which has 1000 bytes"),
        (document(row(1, offset=2**63)), "a model ends beyond pack"),
        (document(row(1, offset=-1)), "greater than 0"),
        (document(row(1, length=0)), "greater than 0"),
        (document(row(1, length="10")), "valid integer"),
        (document(row(1, raw_length=2**33)), "less than or equal to 4294967296"),
        (document(row(1, raw_length=2**30)), "10 bytes that claim to be 1073741824"),
        (document(row(1, pack=OTHER)), "pack bbbbbbbb, which is not in packs"),
        (document(row(1, pack="../../x")), "pattern"),
        (document(row(1, sha256="x")), "pattern"),
        (document(row(1, more=1)), "Unexpected keyword"),
        (document(row(1, examples=place(1))), "line-01: its examples are not as bluegrid-manifest/1 has"),
        (placed(row(1, example=EXAMPLE)), "line-01: its examples are not as bluegrid-manifest/2 has"),
        (placed(row(1, examples=place(1, offset=115))), "recorded examples overlap in pack aaaaaaaa at byte"),
        (
            placed(row(1, examples=place(1, offset=110, sha256=f"{1:064x}"))),
            "recorded examples overlap a model in pack aaaaaaaa",
        ),
        (placed(row(1, examples=place(1)), row(2, examples=place(2, offset=505))), "recorded examples overl"),
        (placed(row(1, examples=place(1, offset=995))), "ends beyond pack aaaaaaaa, which has 1000 bytes"),
        (placed(row(1, examples=place(1, pack=OTHER))), "pack bbbbbbbb, which is not in packs"),
        (placed(row(1, examples=place(1, raw_length=2**24 + 1))), "less than or equal to 16777216"),
        (placed(row(1, examples=place(1, raw_length=2**23))), "examples of model line-01: 10 bytes that cla"),
        (placed(row(1, examples=place(1, length=0))), "greater than 0"),
        (placed(row(1, examples=place(1, more=1))), "Unexpected keyword"),
        (document(packs=[]), "which is not in packs"),
        (document(packs=[{"name": PACK, "size": 1000}] * 2), "is there twice"),
        (
            document(packs=[{"name": name, "size": 1000} for name in (PACK, OTHER)]),
            "no model lies in pack bbbbbbbb",
        ),
        ({**document(), "models": []}, "at least 1 item"),
        (document(set="../g1"), "is not an ID"),
        (document(type="pickle/evil"), "not a known model type"),
        (placed(row(1, lineage={"author": "ada"})), "its lineage is not in bluegrid-manifest/2, which has n"),
        (traced(row(1, lineage={"metrics": {"mae": "1"}})), "valid number"),
        (traced(row(1, lineage={"author": "x" * 201})), "at most 200 characters"),
        (traced(row(1, lineage={"more": 1})), "Unexpected keyword"),
        (traced(row(1, example=EXAMPLE)), "line-01: its examples are not as bluegrid-manifest/3 has"),
        (document(format="bluegrid-manifest/4"), "bluegrid-manifest/2' or 'bluegrid-manifest/3"),
    ],
)
def test_a_hostile_manifest_is_refused(hostile: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Manifest.model_validate(hostile)


@pytest.mark.parametrize("text", [b"{", b"null", b"[]", b"[" * 10_000, b'{"models": [{}]}', b"\xff"])
def test_what_is_no_manifest_is_told_in_one_line(text: bytes) -> None:
    data, digest = stored(text)
    with pytest.raises(FormatError, match=rf"^manifest {digest[:15]}: ") as caught:
        Manifest.from_bytes(data, digest)
    assert "\n" not in str(caught.value)


def test_a_manifest_of_a_later_release_is_not_taken_for_damaged() -> None:
    data, digest = stored(json.dumps(document(format="bluegrid-manifest/4")).encode())
    with pytest.raises(
        ConfigError, match="is of format bluegrid-manifest/4; this release reads formats up to"
    ):
        Manifest.from_bytes(data, digest)
    data, digest = stored(json.dumps(document(format="x" * 100_000)).encode())
    with pytest.raises(FormatError, match="format: Input should be"):
        Manifest.from_bytes(data, digest)


def test_what_is_not_compressed_is_told() -> None:
    with pytest.raises(FormatError, match=r"^manifest sha256:"):
        Manifest.from_bytes(b"{}", sha256_digest(b"{}"))


def test_a_manifest_bomb_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid_registry.formats.manifest.MAX_MANIFEST_BYTES", 1000)
    data, digest = stored(bytes(1001))
    with pytest.raises(FormatError, match="claims 1001 bytes; 1 to 1000 are read"):
        Manifest.from_bytes(data, digest)


def test_devices_may_share_a_model() -> None:
    shared = manifest(row(1), row(1, uid="line-09"))
    assert [model.uid for model in shared.models] == ["line-01", "line-09"]
