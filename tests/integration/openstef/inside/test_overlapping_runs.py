"""Runs that publish versions of one set at the same time lose nothing that the others have trained."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import (
    DeclaredSet,
    IntegrityError,
    KeyAlgorithm,
    PrivateKey,
    Registry,
    add_set,
    fetch_bytes,
    open_store,
    read_commit,
    remove_version,
    sha256_hex,
    sign,
)
from tests.integration.openstef.inside.feeders import ALWAYS, FEEDERS, digests, fit, manifest, versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.integration.openstef.inside.pipelines import Series


def test_another_version_that_came_first_keeps_its_models(place: Mapping[str, Any], series: Series) -> None:
    first, second = BluegridStorage(**place), BluegridStorage(**place)
    fit(first, FEEDERS[0], series)
    fit(second, FEEDERS[1], series)
    first.publish()
    second.publish()
    assert versions(first) == ["v1", "v2"]
    assert [row.uid for row in manifest(first, "v2").models] == [*FEEDERS[:2]]


def checked_out(place: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the settings of a storage with a copy of the registry, of the same store."""
    return {**place, "registry": shutil.copytree(place["registry"], folder / "registry")}


@pytest.fixture
def first(storage: BluegridStorage, series: Series) -> BluegridStorage:
    """A storage with version v1 of all feeders."""
    with storage:
        for uid in FEEDERS:
            fit(storage, uid, series)
    return storage


def test_of_runs_at_once_in_two_checkouts_the_later_version_has_what_both_have_trained(
    first: BluegridStorage, place: Mapping[str, Any], series: Series, tmp_path: Path
) -> None:
    other = BluegridStorage(**checked_out(place, tmp_path / "other"))
    with other:
        fit(other, FEEDERS[2], series, "flatliner", **ALWAYS)
        for uid in FEEDERS[:2]:
            with first:
                fit(first, uid, series, "flatliner", **ALWAYS)
    assert versions(first) == ["v1", "v2", "v3"]
    assert versions(other) == ["v1", "v4"]
    trained, later = digests(first, "v3"), digests(other, "v4")
    assert {uid: later[uid] for uid in FEEDERS[:2]} == {uid: trained[uid] for uid in FEEDERS[:2]}
    assert later[FEEDERS[2]] != trained[FEEDERS[2]]
    # All that a pod of the later version needs is there, and its registry is as any other.
    row = Registry.load(other.registry).of_set("load").version("v4")
    models = fetch_bytes(open_store(str(other.store)), "load", row.id, row.manifest)
    assert {uid: sha256_hex(model) for uid, model in models.items()} == later


def test_a_version_that_was_removed_before_the_run_does_not_come_back(
    first: BluegridStorage, series: Series, caplog: pytest.LogCaptureFixture
) -> None:
    with first:
        fit(first, FEEDERS[0], series, "flatliner", **ALWAYS)
    remove_version(first.registry, "load", "v2")
    # Commits have their time in whole seconds.
    published = read_commit(open_store(str(first.store)), "load", "v2").time
    while datetime.now(UTC) < published + timedelta(seconds=1):
        time.sleep(0.05)
    with first:
        fit(first, FEEDERS[1], series, "flatliner", **ALWAYS)
    assert versions(first) == ["v1", "v3"]
    before, after = digests(first, "v1"), digests(first, "v3")
    assert {uid for uid in FEEDERS if before[uid] != after[uid]} == {FEEDERS[1]}
    (line,) = (record.getMessage() for record in caplog.records if record.name.startswith("bluegrid"))
    assert re.fullmatch(
        r"set load version v2: published at .*Z by .*, before this run, and .*load\.yaml does not name it: "
        "its models are left out; pull the registry before a run",
        line,
    )


def test_a_version_of_another_run_must_be_signed_where_the_set_has_keys(
    place: Mapping[str, Any], series: Series, tmp_path: Path
) -> None:
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    trusted = [{"id": "ops", "public": key.public("ops").text}]
    names = {"id": "signed", "name": "Feeder load", "task": "forecasting", "source": "platform"}
    signed = {**names, "type": str(TYPE), "kinds": "mixed", "keys": trusted}
    add_set(place["registry"], DeclaredSet.model_validate(signed))
    place = {**place, "set_id": "signed"}
    runs = BluegridStorage(**place), BluegridStorage(**checked_out(place, tmp_path / "other"))
    for uid, run in zip(FEEDERS, runs, strict=False):
        fit(run, uid, series, **ALWAYS)
    published = runs[0].publish()
    assert published is not None
    with pytest.raises(
        IntegrityError, match=r"^set signed version v1: is not signed by a trusted key \(ops\)"
    ):
        runs[1].publish()
    sign(open_store(place["store"]), "signed", "v1", published.manifest, key)
    later = runs[1].publish()
    assert later is not None
    assert (later.version, later.models) == ("v2", 2)
