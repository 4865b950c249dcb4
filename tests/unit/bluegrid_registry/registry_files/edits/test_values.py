"""Every key of the schema is set and removed by its path, in any layout, and nothing else changes."""

from __future__ import annotations

from copy import deepcopy
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from bluegrid_registry import (
    ConfigError,
    Registry,
    RegistryError,
    TrustedKey,
    ValueEdit,
    edit_cluster,
    edit_service,
    edit_set,
)
from bluegrid_registry.registry_files.edits.values import (
    CLUSTER,
    SERVICE,
    SET,
    parse_edits,
    settable_keys,
    value_at,
)
from bluegrid_registry.registry_files.registry import plain_data
from bluegrid_registry.registry_files.yaml_edit import in_one_line
from tests.unit.bluegrid_registry.registry_files.edited import DIGEST, changed_lines, read, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OPS = TrustedKey(id="ops", public="MCowBQYDK2VwAyEA5KYmMmJe8QPuiAtjEC3hYnUw5dXgFDrQ6bjm1RPzTXo=")
SITE = TrustedKey(id="site", public="MCowBQYDK2VwAyEAJaevbFwN19e5xP0cPJLvP+5hmUzAHUTSckMh5fCEh7c=")
FULL: dict[str, Any] = {
    "set": {
        "id": "g1",
        "name": "Line loading",
        "task": "regression",
        "type": "scikit-learn/skops",
        "source": "platform",
        "update": {
            "trainer": {
                "image": "trainers/lines:1",
                "command": ["python", "-m", "train", "-m"],
                "parameters": {"NAME": {"type": "string", "default": "winter"}},
                "timeoutSeconds": 3600,
            },
            "schedule": {"when": "daily", "timeZone": "UTC", "jitterSeconds": 0},
            "rollout": {
                "to": "live",
                "bakeSeconds": 600,
                "errors": 0.01,
                "within": {"rtol": 0.1, "atol": 0.0, "share": 0.0},
                "quality": {"metric": "mae", "better": "lower", "worsen": 0.1, "atol": 0.0, "share": 0.05},
                "service": {"name": "s", "replicas": 1, "cpu": "1", "memory": "1Gi"},
            },
            "ignore": ["*.ckpt", "logs/"],
        },
        "outputs": ["y", "std"],
        "nonFinite": "null",
        "accelerate": "onnx",
        "trust": ["own.Scaler"],
        "kinds": "mixed",
        "keys": [OPS.model_dump()],
    },
    "versions": [
        {"id": name, "manifest": DIGEST, "updated": "2026-11-22T08:00:00Z"} for name in ("v1", "v2", "v3")
    ],
    "service": {
        "name": "line-loading",
        "live": "d1",
        "clusters": [
            {"id": "d1", "version": "v1", "replicas": 2, "cpu": "2", "memory": "2Gi"},
            {
                "id": "d2",
                "version": "v2",
                "autoscaling": {"min": 1, "max": 4, "cpu": 70},
                "cpu": "2",
                "gpu": 0,
                "memory": "2Gi",
                "load": "eager",
                "timeoutSeconds": 4,
                "memoryPerRequest": "64Mi",
            },
        ],
        "standbyReplicas": 1,
        "regions": ["north", "east"],
    },
}
OF_CLUSTERS: dict[str, tuple[str, object]] = {
    "version": ("v3", "v3"),
    "replicas": ("3", 3),
    "autoscaling": ("{min: 2, max: 5, cpu: 60}", {"min": 2, "max": 5, "cpu": 60}),
    "autoscaling.min": ("2", 2),
    "autoscaling.max": ("5", 5),
    "autoscaling.cpu": ("80", 80),
    "cpu": ("500m", "500m"),
    "gpu": ("1", 1),
    "memory": ("3Gi", "3Gi"),
    "load": ("lazy", "lazy"),
    "timeoutSeconds": ("10", 10),
    "memoryPerRequest": ("100000000", "100000000"),
}
OF_SERVICES: dict[str, tuple[str, object]] = {
    "standbyReplicas": ("0", 0),
    "regions": ("east,north,south", ["east", "north", "south"]),
}
OF_SETS: dict[str, tuple[str, object]] = {
    "name": ("Line: loading, 110 kV", "Line: loading, 110 kV"),
    "task": ("1", "1"),
    "source": ("user", "user"),
    "update": ("{rollout: {to: standby}}", {"rollout": {"to": "standby"}}),
    "update.trainer": ("{command: [train]}", {"command": ["train"]}),
    "update.trainer.image": ("trainers/lines:2", "trainers/lines:2"),
    "update.trainer.command": ("[python, train.py, -v, -v]", ["python", "train.py", "-v", "-v"]),
    "update.trainer.parameters": (
        "{flows: {type: integer, default: 1}}",
        {"flows": {"type": "integer", "default": 1}},
    ),
    "update.trainer.parameters.NAME": (
        "{type: number, default: 0.5}",
        {"type": "number", "default": 0.5},
    ),
    "update.trainer.parameters.NAME.type": ("string", "string"),
    "update.trainer.parameters.NAME.default": ("'2026'", "2026"),
    "update.trainer.timeoutSeconds": ("60", 60),
    "update.schedule": ("{when: weekly}", {"when": "weekly"}),
    "update.schedule.when": ("30 2 * * 1-5", "30 2 * * 1-5"),
    "update.schedule.timeZone": ("Europe/Berlin", "Europe/Berlin"),
    "update.schedule.jitterSeconds": ("600", 600),
    "update.rollout": ("{to: none}", {"to": "none"}),
    "update.rollout.to": ("live", "live"),
    "update.rollout.bakeSeconds": ("30", 30),
    "update.rollout.errors": ("0.02", 0.02),
    "update.rollout.within": ("{rtol: 0.2}", {"rtol": 0.2}),
    "update.rollout.within.rtol": ("0.2", 0.2),
    "update.rollout.within.atol": ("5", 5.0),
    "update.rollout.within.share": ("0.5", 0.5),
    "update.rollout.quality": (
        "{metric: r2, better: higher, worsen: 0.2}",
        {"metric": "r2", "better": "higher", "worsen": 0.2},
    ),
    "update.rollout.quality.metric": ("rmse", "rmse"),
    "update.rollout.quality.better": ("higher", "higher"),
    "update.rollout.quality.worsen": ("0.2", 0.2),
    "update.rollout.quality.atol": ("0.5", 0.5),
    "update.rollout.quality.share": ("0.5", 0.5),
    "update.rollout.service": ("{name: t, cpu: 2, memory: 2Gi}", {"name": "t", "cpu": "2", "memory": "2Gi"}),
    "update.rollout.service.name": ("t", "t"),
    "update.rollout.service.replicas": ("2", 2),
    "update.rollout.service.cpu": ("2", "2"),
    "update.rollout.service.memory": ("2Gi", "2Gi"),
    "update.ignore": ("*.log", ["*.log"]),
    "outputs": ("std,y", ["std", "y"]),
    "nonFinite": ("refuse", "refuse"),
    "signature": ("serve", "serve"),
    "accelerate": ("onnx", "onnx"),
    "trust": ("own.Scaler,own.scale", ["own.Scaler", "own.scale"]),
    "kinds": ("mixed", "mixed"),
    "keys": (f"[{{id: site, public: '{SITE.public}'}}]", [SITE.model_dump()]),
}
SAMPLES = [
    *((CLUSTER, key, *sample) for key, sample in OF_CLUSTERS.items()),
    *((SERVICE, key, *sample) for key, sample in OF_SERVICES.items()),
    *((SET, key, *sample) for key, sample in OF_SETS.items()),
]

REQUIRED = {
    "version",
    "autoscaling.min",
    "autoscaling.max",
    "autoscaling.cpu",
    "cpu",
    "memory",
    "name",
    "task",
    "source",
    "update.trainer",  # by the schedule
    "update.trainer.parameters.NAME.type",
    "update.trainer.parameters.NAME.default",
    "update.schedule.when",
    "update.rollout.to",
    "update.rollout.quality.metric",
    "update.rollout.quality.better",
    "update.rollout.quality.worsen",
    "update.rollout.service.name",
    "update.rollout.service.cpu",
    "update.rollout.service.memory",
}


def block(data: dict[str, Any]) -> str:
    stream = StringIO()
    YAML(typ="rt").dump(data, stream)
    return stream.getvalue()


def flow(data: dict[str, Any]) -> str:
    rows = "".join(f"  - {in_one_line(version)}\n" for version in data["versions"])
    inline = {key: in_one_line(data[key]) for key in ("set", "service")}
    return f"set: {inline['set']}\nversions:\n{rows}service: {inline['service']}\n"


def data_for(key: str) -> dict[str, Any]:
    """Return the data of a file with every key, in which this one can be."""
    data = deepcopy(FULL)
    if key == "signature":
        data["set"] |= {"type": "tensorflow/savedmodel", "signature": "predict"}
        del data["set"]["accelerate"]
    return data


def row_of(data: dict[str, Any], row: Sequence[str], key: str) -> dict[str, Any]:
    clusters: list[dict[str, Any]] = data["service"]["clusters"]
    return clusters[key != "replicas"] if row == CLUSTER else data[row[0]]


def change(folder: Path, row: Sequence[str], *texts: str) -> None:
    edits = parse_edits(row, texts)
    if row == CLUSTER:
        edit_cluster(folder, "line-loading", "d1" if texts[0].startswith("replicas") else "d2", edits)
    elif row == SERVICE:
        edit_service(folder, "line-loading", edits)
    else:
        edit_set(folder, "g1", edits)


def data_in(folder: Path) -> dict[str, Any]:
    return plain_data(Registry.load(folder).files[0])


def test_every_key_of_the_schema_has_a_sample_here() -> None:
    """A new key fails here until it has a sample, with which it is then set and removed below."""
    own = ("name", "live", "traffic", "clusters")
    assert {*settable_keys(CLUSTER)} - {"id", "shards"} == {*OF_CLUSTERS}
    assert {key for key in settable_keys(SERVICE) if key.split(".")[0] not in own} == {*OF_SERVICES}
    assert {*settable_keys(SET)} - {"id", "type"} == {*OF_SETS}


@pytest.mark.parametrize("layout", [block, flow])
@pytest.mark.parametrize(("row", "key", "text", "value"), SAMPLES)
def test_a_key_is_set_and_no_other_value_changes(
    row: Sequence[str], key: str, text: str, value: object, layout: Any, tmp_path: Path
) -> None:
    data = data_for(key)
    write(tmp_path, layout(data))
    change(tmp_path, row, f"{key}={text}")
    *around, last = key.split(".")
    (value_at(row_of(data, row, key), around) or row_of(data, row, key))[last] = value
    assert data_in(tmp_path) == data


@pytest.mark.parametrize("layout", [block, flow])
@pytest.mark.parametrize(("row", "key"), [sample[:2] for sample in SAMPLES if sample[1] not in REQUIRED])
def test_a_key_is_removed_and_no_other(row: Sequence[str], key: str, layout: Any, tmp_path: Path) -> None:
    data = data_for(key)
    write(tmp_path, layout(data))
    change(tmp_path, row, f"{key}-")
    *around, last = key.split(".")
    del (value_at(row_of(data, row, key), around) or row_of(data, row, key))[last]
    if key == "update.trainer.parameters.NAME":
        del data["set"]["update"]["trainer"]["parameters"]
    assert data_in(tmp_path) == data


@pytest.mark.parametrize("layout", [block, flow])
@pytest.mark.parametrize(("row", "key"), [sample[:2] for sample in SAMPLES if sample[1] in REQUIRED])
def test_a_key_that_others_need_is_not_removed(
    row: Sequence[str], key: str, layout: Any, tmp_path: Path
) -> None:
    before = layout(data_for(key))
    write(tmp_path, before)
    with pytest.raises(RegistryError, match=r"g1\.yaml:\d+: .*(is missing; add it|there is none)"):
        change(tmp_path, row, f"{key}-")
    assert read(tmp_path) == before


TEXT = f"""\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "{DIGEST}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "{DIGEST}", updated: 2026-11-23T08:00:00Z}}
service:
  name: line-loading
  live: d1  # for all
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, memory: 2Gi}}  # big
    # the next
    - replicas: 1  # small
      id: d2
      version: v2
      cpu: 2
      memory: 2Gi
# the end
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, TEXT)


def test_an_autoscaler_takes_the_place_of_a_number_of_pods(folder: Path) -> None:
    texts = ("replicas-", "autoscaling.min=1", "autoscaling.max=4", "autoscaling.cpu=70")
    edit_cluster(folder, "line-loading", "d1", parse_edits(CLUSTER, texts))
    assert changed_lines(TEXT, read(folder)) == [
        "-     - {id: d1, version: v1, replicas: 2, cpu: 2, memory: 2Gi}  # big\n",
        "+     - {id: d1, version: v1, cpu: 2, memory: 2Gi, autoscaling: {min: 1, max: 4, cpu: 70}}  # big\n",
    ]


def test_the_first_key_of_a_block_is_removed_and_its_dash_stays(folder: Path) -> None:
    edit_cluster(folder, "line-loading", "d2", parse_edits(CLUSTER, ["replicas-"]))
    assert read(folder) == TEXT.replace("    - replicas: 1  # small\n      id: d2\n", "    - id: d2\n")


def test_what_the_schema_refuses_is_refused_with_its_line(folder: Path) -> None:
    for texts, fault in (
        (["timeoutSeconds=0"], r"g1.yaml:9: service.clusters\[0\].timeoutSeconds: 0 is below 1$"),
        (["replicas=many"], r"g1.yaml:9: service.clusters\[0\].replicas: 'many' is not a whole number$"),
        (["autoscaling.max=3"], r"g1.yaml:9: service.clusters\[0\].autoscaling.min: is missing; add it$"),
        (["cpu-"], r"g1.yaml:9: service.clusters\[0\].cpu: is missing; add it"),
    ):
        with pytest.raises(RegistryError, match=fault):
            edit_cluster(folder, "line-loading", "d1", parse_edits(CLUSTER, texts))
        assert read(folder) == TEXT


def test_the_live_cluster_keeps_its_pods(folder: Path) -> None:
    with pytest.raises(RegistryError, match="d1 is the live cluster"):
        edit_cluster(folder, "line-loading", "d1", parse_edits(CLUSTER, ["replicas=0"]))


def test_an_edit_without_effect_leaves_the_file_alone(folder: Path) -> None:
    before = (folder / "g1.yaml").stat()
    edit_cluster(folder, "line-loading", "d1", parse_edits(CLUSTER, ["replicas=2", "gpu-"]))
    edit_service(folder, "line-loading", parse_edits(SERVICE, ["regions-"]))
    assert not edit_set(folder, "g1", parse_edits(SET, ["update.schedule.when-"]))
    assert (folder / "g1.yaml").stat() == before


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        ("replicas", "'replicas' is not an edit; write KEY=VALUE, or KEY- to remove the key"),
        ("=3", "'=3' is not an edit; write KEY=VALUE"),
        ("replica=3", "there is no key replica; known: id, version, replicas, autoscaling, cpu"),
        ("autoscaling.most=3", "autoscaling has no key most; known: min, max, cpu"),
        ("replicas.min=3", "replicas has no key min; known: none, it is a plain value"),
        ("autoscaling={min: 1", "the value is not valid YAML"),
    ],
)
def test_a_text_that_is_no_edit_is_refused_with_what_is_known(edit: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_edits(CLUSTER, [edit])


def test_two_edits_of_one_value_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"autoscaling and autoscaling\.max change the same value"):
        parse_edits(CLUSTER, ["autoscaling-", "gpu=0", "autoscaling.max=3"])


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        ("name=other", "the name of service line-loading never changes"),
        ("live=d2", "live is not set by its key; switch line-loading to the cluster"),
        ("traffic.d1=90", "traffic is not set by its key; share the requests of line-loading"),
        ("clusters=[]", "clusters is not set by its key; add, change or remove its clusters"),
    ],
)
def test_what_has_an_edit_of_its_own_is_not_set_by_key(edit: str, fault: str, folder: Path) -> None:
    with pytest.raises(RegistryError, match=fault):
        edit_service(folder, "line-loading", parse_edits(SERVICE, [edit]))
    assert read(folder) == TEXT


def test_ids_and_types_never_change(folder: Path) -> None:
    with pytest.raises(RegistryError, match="the ID of cluster d1 never changes"):
        edit_cluster(folder, "line-loading", "d1", [ValueEdit(("id",), "d9")])
    for key in ("id", "type"):
        with pytest.raises(RegistryError, match=f"the {key} of set g1 never changes"):
            edit_set(folder, "g1", [ValueEdit((key,), "onnx/onnx")])


def test_names_and_keys_of_a_set_are_added_and_removed_one_by_one(folder: Path) -> None:
    edit_set(folder, "g1", trust=["own.Scaler", "own.scale"], keys=[OPS, SITE])
    assert edit_set(folder, "g1", trust=["own.Model"], distrust=["own.Scaler"], without_keys=["ops"])
    found = Registry.load(folder).of_set("g1").set
    assert (found.trust, found.keys) == (("own.scale", "own.Model"), (SITE,))
    renewed = OPS.model_copy(update={"id": "site"})
    edit_set(folder, "g1", keys=[renewed])
    assert Registry.load(folder).of_set("g1").set.keys == (renewed,)
    with pytest.raises(
        RegistryError, match=r"set g1 does not trust own.Scaler; declared: own.scale, own.Model"
    ):
        edit_set(folder, "g1", distrust=["own.Scaler"])
    with pytest.raises(RegistryError, match="set g1 has no key ops; declared: site"):
        edit_set(folder, "g1", without_keys=["ops"])
    edit_set(folder, "g1", distrust=["own.scale", "own.Model"], without_keys=["site"])
    assert read(folder) == TEXT


def test_the_shards_of_a_cluster_never_change(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(block(FULL))
    with pytest.raises(RegistryError, match="the shards of cluster d2 never change: each has its part"):
        edit_cluster(tmp_path, "line-loading", "d2", parse_edits(CLUSTER, ["shards=4"]))
