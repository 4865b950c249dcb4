"""The trainer of a set, run as the update server runs it: a request on standard input, models in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_openstef.file_type import TYPE
from bluegrid_registry import (
    KeyAlgorithm,
    PrivateKey,
    Source,
    models_in_folder,
    open_store,
    push,
    read_manifest,
    sign,
)
from tests.integration.openstef.inside.feeders import FEEDERS
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bluegrid_registry import Manifest, PublicKey, Store, Version

SOURCE = "tests.integration.openstef.inside.targets:Feeders"


def trained(
    folder: Path,
    store: Store,
    *options: str,
    source: str = SOURCE,
    base: Version | None = None,
    keys: Sequence[PublicKey] = (),
    is_pinned: bool = True,
    **parameters: Any,
) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    request: dict[str, Any] = {
        "set": "load",
        "type": str(TYPE),
        "base": base.id if base else None,
        "folder": str(folder),
        "parameters": parameters,
    }
    if is_pinned:
        rows = [{"id": key.id, "public": key.text} for key in keys]
        request |= {"baseManifest": base.manifest if base else None, "publicKeys": rows}
    return subprocess.run(
        [sys.executable, "-m", "bluegrid_openstef.trainer", source, "--store", store.url, *options],
        input=json.dumps(request),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def pushed(folder: Path, store: Store, version: str, base: Version | None = None) -> Version:
    """Publish what a trainer has left, as the update server does."""
    models = models_in_folder(folder, TYPE)
    return push(store, "load", version, models, model_type=TYPE, source=Source.PLATFORM, base=base).row


def manifest(store: Store, version: Version) -> Manifest:
    return read_manifest(store, "load", version.id, version.manifest)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("store").as_uri())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Version:
    """The first version: there is no base, so that every feeder is trained."""
    folder = tmp_path_factory.mktemp("first") / "models"
    done = trained(folder, store)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 models: 0 recent, 3 trained, 0 no better than before, 0 failed" in done.stdout
    return pushed(folder, store, "v1")


def test_the_first_run_trains_all_with_their_lineage(store: Store, first: Version) -> None:
    rows = manifest(store, first).models
    assert [row.uid for row in rows] == sorted(FEEDERS)
    assert all(row.lineage and row.lineage.run and row.lineage.metrics for row in rows)


def test_data_and_plots_that_nothing_keeps_are_not_made(tmp_path: Path, store: Store) -> None:
    done = trained(tmp_path / "models", store, source=SOURCE.replace("Feeders", "Unwritten"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 trained, 0 no better than before, 0 failed" in done.stdout


def test_recent_models_are_not_trained_again(tmp_path: Path, store: Store, first: Version) -> None:
    done = trained(tmp_path / "models", store, base=first)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 models: 3 recent, 0 trained" in done.stdout
    assert files(tmp_path / "models") == set()


def test_what_is_better_or_new_is_written_alone(tmp_path: Path, store: Store, first: Version) -> None:
    folder = tmp_path / "models"
    done = trained(
        folder, store, "--processes", "2", "--most-failures", "0.5", base=first,
        reuse=False, other=FEEDERS[1], broken=FEEDERS[2], more="江苏/500kV.1号主变",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 models: 0 recent, 2 trained, 1 no better than before, 1 failed" in done.stdout
    assert f"{FEEDERS[2]}: ValueError: no measurements since Tuesday" in done.stdout
    assert files(folder) == {f"{FEEDERS[1]}.joblib", "江苏/500kV.1号主变.joblib", "lineage.json"}
    before = {row.uid: row.sha256 for row in manifest(store, first).models}
    after = {row.uid: row.sha256 for row in manifest(store, pushed(folder, store, "v2", first)).models}
    assert {uid for uid in after if after[uid] != before.get(uid)} == {FEEDERS[1], "江苏/500kV.1号主变"}


def test_a_base_of_another_manifest_than_the_registry_pins_is_refused(
    tmp_path: Path, store: Store, first: Version
) -> None:
    other = first.model_copy(update={"manifest": f"sha256:{'0' * 64}"})
    done = trained(tmp_path / "models", store, base=other)
    assert done.returncode == 1
    differs = f"published as manifest {first.manifest[:15]}, pinned as sha256:00000000"
    assert done.stderr.endswith(f"set load version v1: {differs}; correct the digest in the registry\n")
    assert "trained" not in done.stdout


def test_a_request_of_a_server_that_does_not_send_the_digest_is_as_before(
    tmp_path: Path, store: Store, first: Version
) -> None:
    done = trained(tmp_path / "models", store, base=first, is_pinned=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 models: 3 recent, 0 trained" in done.stdout


def test_the_base_of_a_set_with_keys_must_be_signed(tmp_path: Path, store: Store, first: Version) -> None:
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    trusted = [key.public("ops")]
    refused = trained(tmp_path / "refused", store, base=first, keys=trusted, reuse=False)
    assert refused.returncode == 1
    assert "set load version v1: is not signed by a trusted key (ops)" in refused.stderr
    assert "trained" not in refused.stdout
    sign(store, "load", first.id, first.manifest, key)
    done = trained(tmp_path / "models", store, base=first, keys=trusted, reuse=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 models: 0 recent, 0 trained, 3 no better than before, 0 failed" in done.stdout


def test_a_run_with_many_failures_publishes_nothing(tmp_path: Path, store: Store, first: Version) -> None:
    done = trained(tmp_path / "models", store, base=first, reuse=False, broken=FEEDERS[2])
    assert done.returncode == 1
    assert done.stderr.endswith("1 of 3 trainings failed; nothing is published\n")


def test_a_workflow_that_cannot_be_made_is_a_failed_training(
    tmp_path: Path, store: Store, first: Version
) -> None:
    done = trained(tmp_path / "models", store, "--most-failures", "1", base=first, unmade=FEEDERS[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FEEDERS[0]}: ValueError: no settings" in done.stdout
    assert "3 models: 2 recent, 0 trained, 0 no better than before, 1 failed" in done.stdout


def test_a_workflow_without_the_storage_is_refused(tmp_path: Path, store: Store) -> None:
    done = trained(tmp_path / "models", store, stored=False)
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"model {FEEDERS[0]}: its workflow lacks the storage; pass mlflow_storage=storage\n"
    )


def test_a_name_that_no_file_can_have_is_refused_before_the_training(tmp_path: Path, store: Store) -> None:
    done = trained(tmp_path / "models", store, more="../other")
    assert done.returncode == 1
    assert done.stderr.startswith("model '../other': no file can have this name")
    assert "trained" not in done.stdout


def test_the_source_of_the_example_is_trained(tmp_path: Path, store: Store) -> None:
    source, folder = "examples.openstef.nightly:Transformers", tmp_path / "models"
    done = trained(folder, store, source=source, kind="constant_quantile", targets=1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(folder) == {"LV1.101/MV1.101-LV1.101-Trafo 1.joblib", "lineage.json"}


def test_a_parameter_that_the_source_does_not_take_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    done = trained(tmp_path / "models", open_store((tmp_path / "store").as_uri()), speed=3)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        f"{SOURCE}: got an unexpected keyword argument 'speed'; see update.trainer.parameters of the set"
    )
