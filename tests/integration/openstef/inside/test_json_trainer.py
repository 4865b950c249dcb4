"""The trainer of pipelines as data, run as the update server runs it, beside the set that it follows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pytest

from bluegrid_openstef import file_type
from bluegrid_openstef.converter import as_json
from bluegrid_openstef.json_file import TYPE
from bluegrid_openstef.json_trainer import CONVERTED_FROM, converted_lineage
from bluegrid_openstef.trainer_program import path_of
from bluegrid_registry import (
    DeclaredSet,
    KeyAlgorithm,
    Lineage,
    ModelRow,
    ModelSet,
    PrivateKey,
    RecordedExample,
    Source,
    Version,
    add_set,
    fetch_bytes,
    load_set,
    models_in_folder,
    open_store,
    push,
    read_manifest,
    sha256_digest,
    sign,
    stored_examples,
)
from bluegrid_registry.formats.lineage import MAX_LINEAGE_BYTES
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_registry import Manifest, Store

FEEDERS = (
    "mv_feeder/OS Edam",
    "mv_feeder/OS Gorredijk",
    "transformer 7",
    "transformer 9",
    "江苏/500kV.1号主变",
)
EDAM, GORREDIJK, SEVEN, NINE, _ = FEEDERS
LINEAGE = Lineage(run="4f7c1d", metrics={"full_0.5_R2": 0.91}, tags={"season": "winter"})
EXAMPLE = RecordedExample.model_validate(
    {
        "request": {"inputs": [{"name": "time", "shape": [1], "datatype": "INT64", "data": [0]}]},
        "response": {"outputs": [{"name": "quantile_P50", "shape": [1], "datatype": "FP64", "data": [0.5]}]},
    }
)


@dataclass(frozen=True)
class Place:
    """The registry of the set `load`, which has a key, and the store of `load` and of `load-data`."""

    registry: Path
    store: Store
    key: PrivateKey

    def train(self, version: str, models: Mapping[str, Path], **options: Any) -> None:
        """Publish a version of `load`, not signed."""
        ModelSet.open("load", self.registry, self.store).push(version, models, **options)

    def sign(self, version: str) -> None:
        row = load_set(self.registry, "load").version(version)
        sign(self.store, "load", version, row.manifest, self.key)

    def follow(
        self, folder: Path, *options: str, base: Version | None = None, source: str = "load"
    ) -> subprocess.CompletedProcess[str]:
        """Run the trainer of `load-data`."""
        folder.mkdir()
        request: dict[str, Any] = {
            "set": "load-data",
            "type": str(TYPE),
            "base": base.id if base else None,
            "baseManifest": base.manifest if base else None,
            "publicKeys": [],
            "folder": str(folder),
            "parameters": {},
        }
        where = ("--store", self.store.url, "--registry", self.registry)
        return subprocess.run(
            [sys.executable, "-m", "bluegrid_openstef.json_trainer", source, *where, *options],
            input=json.dumps(request),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )

    def publish(self, folder: Path, version: str, base: Version | None = None) -> Version:
        """Publish a version of `load-data`, as the update server does."""
        models = models_in_folder(folder, TYPE)
        return push(
            self.store, "load-data", version, models, model_type=TYPE, source=Source.USER, base=base
        ).row

    def manifest(self, version: Version) -> Manifest:
        return read_manifest(self.store, "load-data", version.id, version.manifest)


def left_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, Path]) -> Place:
    """The first version of the set to follow."""
    folder = tmp_path_factory.mktemp("followed")
    (folder / "registry").mkdir()
    (folder / "store").mkdir()
    place = Place(
        folder / "registry",
        open_store((folder / "store").as_uri()),
        PrivateKey.generate(KeyAlgorithm.ED25519),
    )
    public = place.key.public("ops")
    declared = {
        "id": "load",
        "name": "Feeder load",
        "task": "forecasting",
        "type": str(file_type.TYPE),
        "source": "platform",
        "kinds": "mixed",
        "keys": [{"id": public.id, "public": public.text}],
    }
    add_set(place.registry, DeclaredSet.model_validate(declared))
    models = dict.fromkeys(FEEDERS, files["gblinear"])
    place.train("v1", models, lineage={EDAM: LINEAGE}, examples={EDAM: EXAMPLE})
    place.sign("v1")
    return place


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, trained: Place) -> Version:
    """The first version as data: there is no base, so that every model is converted."""
    folder = tmp_path_factory.mktemp("first") / "models"
    done = trained.follow(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "load v1 has 5 models: 0 unchanged, 5 converted, 0 refused\n"
    return trained.publish(folder, "v1")


@pytest.fixture
def place(tmp_path: Path, trained: Place) -> Place:
    """The same with a registry of its own, whose newest version is the first."""
    return replace(trained, registry=shutil.copytree(trained.registry, tmp_path / "registry"))


def test_the_first_run_converts_all_with_lineage_and_examples(
    trained: Place, first: Version, files: Mapping[str, Path]
) -> None:
    manifest = trained.manifest(first)
    document = as_json(joblib.load(files["gblinear"]))
    models = fetch_bytes(trained.store, "load-data", first.id, first.manifest)
    assert models == dict.fromkeys(FEEDERS, document)
    converted_from = {CONVERTED_FROM: sha256_digest(files["gblinear"].read_bytes())}
    tags = {**converted_from, "season": "winter"}
    lineages = {row.uid: row.lineage for row in manifest.models}
    assert lineages[EDAM] == replace(LINEAGE, tags=tags)
    assert lineages[SEVEN] == Lineage(tags=converted_from)
    assert stored_examples(trained.store, manifest, manifest.models) == {EDAM: (EXAMPLE,)}


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path, place: Place, first: Version) -> None:
    done = place.follow(tmp_path / "models", base=first)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "load v1 has 5 models: 5 unchanged, 0 converted, 0 refused\n"
    assert left_in(tmp_path / "models") == set()


def test_what_has_changed_is_converted_alone_and_all_other_models_stay(
    tmp_path: Path, place: Place, first: Version, files: Mapping[str, Path]
) -> None:
    models = {EDAM: files["xgboost"], GORREDIJK: files["gblinear"], SEVEN: files["lgbm"]}
    again = {GORREDIJK: Lineage(run="5a0d21")}
    place.train("v2", models, base="v1", without=[NINE], lineage=again)
    place.sign("v2")
    folder = tmp_path / "models"
    done = place.follow(folder, "--most-failures", "0.5", "--processes", "1", base=first)
    assert done.returncode == 0, done.stdout + done.stderr
    refused, gone, counts = done.stdout.splitlines()
    assert refused.startswith(f"{SEVEN}: has the forecaster LGBMForecaster: ")
    assert refused.endswith("(its model of v1 stays)")
    assert gone == (
        f"1 model not in load v2 any more, and kept: {NINE}; "
        "to leave out: bluegrid update request load-data --base VERSION --without UID"
    )
    assert counts == "load v2 has 4 models: 1 unchanged, 2 converted, 1 refused"
    assert left_in(folder) == {f"{EDAM}.json", f"{GORREDIJK}.json", "lineage.json"}
    before = {row.uid: row for row in place.manifest(first).models}
    after = {row.uid: row for row in place.manifest(place.publish(folder, "v2", first)).models}
    assert after.keys() == before.keys()
    assert {uid for uid in after if after[uid].sha256 != before[uid].sha256} == {EDAM}
    assert {uid for uid in after if after[uid].lineage != before[uid].lineage} == {EDAM, GORREDIJK}


def test_a_run_in_which_many_are_refused_publishes_nothing(
    tmp_path: Path, place: Place, first: Version, files: Mapping[str, Path]
) -> None:
    place.train("v3", {SEVEN: files["lgbm"]}, base="v1")
    place.sign("v3")
    done = place.follow(tmp_path / "models", base=first)
    assert done.returncode == 1
    assert done.stderr.endswith("1 of 5 models refused; nothing is published\n")


def test_a_version_without_a_trusted_signature_is_not_converted(
    tmp_path: Path, place: Place, first: Version, files: Mapping[str, Path]
) -> None:
    place.train("v4", {EDAM: files["xgboost"]}, base="v1")
    done = place.follow(tmp_path / "models", base=first)
    assert done.returncode == 1
    assert "set load version v4: is not signed by a trusted key (ops)" in done.stderr
    assert left_in(tmp_path / "models") == set()


def test_a_base_of_another_manifest_than_the_registry_pins_is_refused(
    tmp_path: Path, place: Place, first: Version
) -> None:
    other = first.model_copy(update={"manifest": f"sha256:{'0' * 64}"})
    done = place.follow(tmp_path / "models", base=other)
    assert done.returncode == 1
    assert f"published as manifest {first.manifest[:15]}, pinned as sha256:00000000" in done.stderr


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        (
            {"type": "openstef/json"},
            "set other holds openstef/json; pipelines as data are made of openstef/joblib",
        ),
        ({"type": "openstef/joblib"}, "set other has no version in the registry; train it first"),
    ],
)
def test_a_set_that_cannot_be_followed_is_refused(
    declared: Mapping[str, str], fault: str, tmp_path: Path, place: Place
) -> None:
    others = {"id": "other", "name": "Other", "task": "forecasting", "source": "platform"}
    add_set(place.registry, DeclaredSet.model_validate({**others, **declared}))
    done = place.follow(tmp_path / "models", source="other")
    assert done.returncode == 1
    assert done.stderr == f"{fault}\n"


@pytest.mark.parametrize("tags", [16, 0])
def test_a_lineage_without_space_keeps_its_run_and_has_the_digest(tags: int) -> None:
    full = Lineage(
        run="4f7c1d",
        requirements=tuple("x" * 190 for _ in range(10)),
        tags={f"tag {number:02}": "y" for number in range(tags)} or None,
    )
    row = ModelRow(length=1, lineage=full, offset=0, pack="0" * 64, raw_length=1, sha256="1" * 64, uid=EDAM)
    lineage = converted_lineage(row)
    assert len(lineage.to_json()) <= MAX_LINEAGE_BYTES
    assert (lineage.run, (lineage.tags or {})[CONVERTED_FROM]) == ("4f7c1d", f"sha256:{'1' * 64}")


@pytest.mark.parametrize(
    ("uid", "file"),
    [
        (EDAM, f"{EDAM}.json"),
        ("grid/lineage", "grid/lineage.json"),
        ("lineage", None),
        ("examples", None),
        ("../other", None),
        (".hidden/other", None),
        ("/other", None),
        ("grid//other", None),
        ("千" * 90, None),
    ],
)
def test_only_names_that_files_of_models_can_have_become_files(uid: str, file: str | None) -> None:
    folder = Path("models")
    assert path_of(folder, uid, TYPE) == (None if file is None else folder / file)
