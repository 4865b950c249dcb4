"""Verify finds every damaged, missing and extra object, and repairs from a good copy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    IntegrityError,
    KeyAlgorithm,
    ModelType,
    PrivateKey,
    Signatures,
    Store,
    compare_versions,
    fetch,
    fetch_bytes,
    open_store,
    push,
    sign,
    verify,
    verify_folder,
)
from bluegrid_registry.formats.layout import manifest_key, pack_key, version_key
from bluegrid_registry.signing.signatures import signature_key
from bluegrid_registry.stores.versions import read_manifest
from tests.integration.stores.versions import small_packs, version
from tests.support.stores import flipped

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.integration.stores.conftest import Place
    from tests.integration.stores.versions import AtRest, MakeModels

OPS = PrivateKey.generate(KeyAlgorithm.ED25519)
NEXT = PrivateKey.generate(KeyAlgorithm.P256)
KEYS = (OPS.public("ops-2026"), NEXT.public("ops-2027"))


@pytest.fixture
def two(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> tuple[PushReport, PushReport]:
    small_packs(monkeypatch)
    first = push(store, "g1", "v1", make_models(9), model_type=model_type)
    update = make_models(1, seed=2)
    return first, push(store, "g1", "v2", update, model_type=model_type, base=version(first))


def flip(path: Path, index: int) -> None:
    path.write_bytes(flipped(path.read_bytes(), index))


def test_a_sound_set_is_said_to_be_sound(store: Store, two: tuple[PushReport, PushReport]) -> None:
    report = verify(store, "g1", [version(pushed) for pushed in two])
    assert report.is_sound
    assert (report.versions, report.models) == (2, 10)
    assert (report.damaged, report.missing, report.extra) == ({}, (), ())


def test_every_byte_is_read_again(store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest) -> None:
    rows = [version(pushed) for pushed in two]
    manifest = read_manifest(store, "g1", "v2", two[1].manifest)
    packs = [pack_key("g1", pack.name) for pack in manifest.packs]
    keys = [version_key("g1", "v1"), manifest_key("g1", two[0].manifest), *packs]
    for key in keys:
        path = at_rest(key)
        sound = path.read_bytes()
        for index in {0, 13, len(sound) // 2, len(sound) - 1}:
            flip(path, index)
            report = verify(store, "g1", rows)
            assert not report.is_sound
            assert key in report.damaged
            path.write_bytes(sound)


def test_damage_is_told_with_the_model(
    store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest
) -> None:
    row = read_manifest(store, "g1", "v1", two[0].manifest).models[4]
    flip(at_rest(pack_key("g1", row.pack)), row.offset + row.length // 2)
    report = verify(store, "g1", [version(two[0])])
    message = report.damaged[pack_key("g1", row.pack)]
    assert message == f"pack {row.pack[:8]}: 1 of 3 models are damaged, such as line-004"


def test_damage_that_leaves_all_models_of_a_version_as_they_were_is_found_by_verify_and_fetch(
    store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest
) -> None:
    replaced = read_manifest(store, "g1", "v1", two[0].manifest).models[0]
    key = pack_key("g1", replaced.pack)
    flip(at_rest(key), replaced.offset + replaced.length // 2)
    place = f"pack {replaced.pack[:8]}: is damaged outside of"
    damaged = verify(store, "g1", [version(two[1])]).damaged
    assert damaged == {key: f"{place} these versions' models"}
    with pytest.raises(IntegrityError, match=f"{place} this version's models"):
        fetch_bytes(store, "g1", "v2", two[1].manifest)


def test_what_is_missing_and_what_is_extra_is_named(
    store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest
) -> None:
    row = read_manifest(store, "g1", "v1", two[0].manifest).models[0]
    at_rest(pack_key("g1", row.pack)).unlink()
    report = verify(store, "g1", [version(two[0])])
    assert report.missing == (pack_key("g1", row.pack),)
    # v2's commit, its manifest and its one pack.
    assert len(report.extra) == 3


def test_a_store_is_healed_from_a_good_copy(
    store: Store, two: tuple[PushReport, PushReport], place: Place, at_rest: AtRest, tmp_path: Path
) -> None:
    shutil.copytree(place.folder, tmp_path / "copy")
    source = open_store(f"file://{tmp_path}/copy")
    rows = [version(pushed) for pushed in two]
    manifest = read_manifest(store, "g1", "v2", two[1].manifest)
    first, second, *_ = [pack_key("g1", pack.name) for pack in manifest.packs]
    flip(at_rest(first), 40)
    at_rest(second).unlink()
    flip(at_rest(version_key("g1", "v1")), 40)
    at_rest(manifest_key("g1", two[1].manifest)).unlink()
    report = verify(store, "g1", rows, source=source)
    assert report.is_sound
    assert len(report.healed) == 4
    assert verify(store, "g1", rows).healed == ()
    assert verify(store, "g1", rows).is_sound


def test_a_source_that_is_damaged_too_heals_nothing(
    store: Store, two: tuple[PushReport, PushReport], place: Place, at_rest: AtRest, tmp_path: Path
) -> None:
    row = read_manifest(store, "g1", "v1", two[0].manifest).models[0]
    key = pack_key("g1", row.pack)
    flip(at_rest(key), 40)
    shutil.copytree(place.folder, tmp_path / "copy")
    report = verify(store, "g1", [version(two[0])], source=open_store(f"file://{tmp_path}/copy"))
    assert not report.is_sound
    assert report.healed == ()


def test_a_set_without_keys_needs_no_signatures(store: Store, two: tuple[PushReport, PushReport]) -> None:
    report = verify(store, "g1", [version(pushed) for pushed in two])
    assert (report.signatures, report.unsigned) == ({}, ())


def test_each_version_is_signed_by_one_of_the_keys(store: Store, two: tuple[PushReport, PushReport]) -> None:
    rows = [version(pushed) for pushed in two]
    sign(store, "g1", "v1", two[0].manifest, OPS)
    sign(store, "g1", "v1", two[0].manifest, NEXT)
    sign(store, "g1", "v2", two[1].manifest, NEXT)
    report = verify(store, "g1", rows, keys=KEYS)
    assert report.is_sound
    assert report.signatures == {
        "v1": Signatures(good=("ops-2026", "ops-2027"), wrong=(), missing=()),
        "v2": Signatures(good=("ops-2027",), wrong=(), missing=("ops-2026",)),
    }
    assert (report.missing, report.extra) == ((), ())


def test_a_version_that_no_key_has_signed_is_not_sound(
    store: Store, two: tuple[PushReport, PushReport]
) -> None:
    sign(store, "g1", "v1", two[0].manifest, OPS)
    sign(store, "g1", "v2", two[1].manifest, PrivateKey.generate(KeyAlgorithm.ED25519))
    report = verify(store, "g1", [version(pushed) for pushed in two], keys=KEYS)
    assert not report.is_sound
    assert report.unsigned == ("v2",)
    assert (report.damaged, report.missing) == ({}, ())


def test_every_byte_of_a_signature_counts(
    store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest
) -> None:
    sign(store, "g1", "v1", two[0].manifest, OPS)
    key = signature_key("g1", two[0].manifest, KEYS[0])
    sound = at_rest(key).read_bytes()
    for index in range(0, len(sound), 40):
        flip(at_rest(key), index)
        report = verify(store, "g1", [version(two[0])], keys=KEYS[:1])
        assert not report.is_sound
        assert report.signatures["v1"] == Signatures(good=(), wrong=("ops-2026",), missing=())
        assert report.damaged[key].startswith("set g1 version v1: signature by ops-2026: ")
        at_rest(key).write_bytes(sound)


def test_a_wrong_signature_beside_a_good_one_is_told(
    store: Store, two: tuple[PushReport, PushReport], at_rest: AtRest
) -> None:
    for pushed, name in zip(two, ("v1", "v2"), strict=True):
        sign(store, "g1", name, pushed.manifest, NEXT)
    sign(store, "g1", "v1", two[0].manifest, OPS)
    copied, wrong = (signature_key("g1", pushed.manifest, KEYS[0]) for pushed in two)
    shutil.copyfile(at_rest(copied), at_rest(wrong))
    report = verify(store, "g1", [version(pushed) for pushed in two], keys=KEYS)
    assert not report.is_sound
    assert report.unsigned == ()
    assert report.signatures["v2"] == Signatures(good=("ops-2027",), wrong=("ops-2026",), missing=())
    assert "is not for this version but for 'g1/v1'" in report.damaged[wrong]


def test_signatures_are_healed_from_a_good_copy(
    store: Store, two: tuple[PushReport, PushReport], place: Place, at_rest: AtRest, tmp_path: Path
) -> None:
    rows = [version(pushed) for pushed in two]
    for row in rows:
        sign(store, "g1", row.id, row.manifest, OPS)
    shutil.copytree(place.folder, tmp_path / "copy")
    keys = [signature_key("g1", row.manifest, KEYS[0]) for row in rows]
    flip(at_rest(keys[0]), 40)
    at_rest(keys[1]).unlink()
    report = verify(store, "g1", rows, keys=KEYS, source=open_store(f"file://{tmp_path}/copy"))
    assert report.is_sound
    assert report.healed == tuple(sorted(keys))
    assert verify(store, "g1", rows, keys=KEYS).unsigned == ()


def test_a_folder_is_compared_with_its_version(
    store: Store, two: tuple[PushReport, PushReport], tmp_path: Path
) -> None:
    paths = fetch(store, "g1", "v1", two[0].manifest, tmp_path).paths
    assert verify_folder(store, "g1", version(two[0]), tmp_path).is_sound
    paths["line-001"].write_bytes(b"rot")
    paths["line-002"].unlink()
    (paths["line-001"].parent / "other").touch()
    report = verify_folder(store, "g1", version(two[0]), tmp_path)
    assert (report.checked, report.damaged, report.missing, report.extra) == (
        7,
        ("line-001",),
        ("line-002",),
        ("other",),
    )


def test_versions_are_compared_by_their_manifests(
    store: Store, make_models: MakeModels, model_type: ModelType
) -> None:
    one = push(store, "g1", "v1", make_models(5, recorded=True), model_type=model_type)
    others = (*make_models(2, seed=2, size=3000, recorded=True), *make_models(7, recorded=True)[5:])
    two = push(store, "g1", "v2", others, model_type=model_type, base=version(one), without=["line-004"])
    found = compare_versions(store, "g1", version(one), version(two))
    assert [row.uid for row in found.added] == ["line-005", "line-006"]
    assert [row.uid for row in found.removed] == ["line-004"]
    assert [(row.uid, row.old_bytes, row.new_bytes) for row in found.changed] == [
        ("line-000", 2000, 3000),
        ("line-001", 2000, 3000),
    ]
    assert found.unchanged == 2

    assert all(row.moved is not None and row.moved > 0 for row in found.changed)
