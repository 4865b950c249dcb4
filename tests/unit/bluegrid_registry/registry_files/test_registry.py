"""Registry files: their content is read, and every mistake in them is named with file:line."""

# ruff: noqa: E501 - a message stands here as the user reads it, on one line

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_registry import ConfigError, Registry, RegistryError
from bluegrid_registry.registry_files.registry import parse

V1, V2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64

GOOD = f"""\
# yaml-language-server: $schema=../docs/reference/registry.schema.json
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "{V1}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "{V2}", updated: 2026-11-23T08:00:00Z}}
service:
  name: line-loading
  live: d1                       # or {{default: d1, north: d2}}
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
    - {{id: d2, version: v2, cpu: 500m, memory: 2Gi}}
  regions: [north, east]
"""


def mistakes_in(tmp_path: Path, **files: str) -> list[str]:
    for stem, text in files.items():
        (tmp_path / f"{stem}.yaml").write_text(text)
    with pytest.raises(RegistryError) as caught:
        Registry.load(tmp_path)
    return str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def test_a_registry_is_read(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(GOOD)
    (tmp_path / "README.md").write_text("not a registry file")
    registry = Registry.load(tmp_path)
    file = registry.of_service("line-loading")
    assert file is registry.of_set("g1")
    assert (file.set.name, str(file.set.type), file.set.source) == (
        "Line loading",
        "scikit-learn/skops",
        "platform",
    )
    assert file.version("v2").manifest == V2
    assert file.service
    assert file.service.cluster("d1").replicas == 2
    cluster = file.service.cluster("d2")
    assert (cluster.replicas, cluster.cpu, cluster.gpu, cluster.memory) == (1, "500m", 0, "2Gi")


def test_a_set_without_a_service_is_not_online(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(GOOD.split("service:")[0])
    registry = Registry.load(tmp_path)
    assert registry.of_set("g1").service is None
    assert registry.in_region("north") == ()


def test_a_service_is_in_the_regions_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(GOOD)
    everywhere = (
        GOOD.replace("g1", "g2")
        .replace("line-loading", "bus-voltage")
        .replace("  regions: [north, east]\n", "")
    )
    (tmp_path / "g2.yaml").write_text(everywhere)
    registry = Registry.load(tmp_path)
    assert [file.set.id for file in registry.in_region("north")] == ["g1", "g2"]
    assert [file.set.id for file in registry.in_region("south")] == ["g2"]


def test_regions_switch_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(GOOD.replace("live: d1 ", "live: {default: d1, north: d2} "))
    service = Registry.load(tmp_path).of_service("line-loading").service
    assert service
    assert (service.live_in("north"), service.live_in("east")) == ("d2", "d1")


def test_what_does_not_exist_is_told_with_what_does(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(GOOD)
    registry = Registry.load(tmp_path)
    file = registry.of_set("g1")
    assert file.service
    with pytest.raises(RegistryError, match=r"^no set g9; declared: g1$"):
        registry.of_set("g9")
    with pytest.raises(RegistryError, match=r"^no service other; declared: line-loading$"):
        registry.of_service("other")
    with pytest.raises(RegistryError, match=r"^set g1 has no version v9; declared: v1, v2$"):
        file.version("v9")
    with pytest.raises(RegistryError, match=r"^d9 is not a cluster of line-loading; declared: d1, d2$"):
        file.service.cluster("d9")


def test_a_folder_that_is_not_there_is_no_empty_registry(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: no such folder"):
        Registry.load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("live: d1 ", "live: d3 ", "8: service.live: d3 is not a cluster of line-loading; declared: d1, d2"),
        (
            "live: d1 ",
            "live: {default: d1, south: d2} ",
            "8: service.live.south: south is not a region of line-loading; declared: north, east",
        ),
        (
            "live: d1 ",
            "live: {north: d2} ",
            "8: service.live: has no default; add `default: <cluster>` for the regions that it does not name",
        ),
        ("  live: d1 ", "  liev: d1 ", "8: service.liev: unknown key; known: name, live, traffic, clusters, standbyReplicas, regions"),
        ("  regions:", "  standbyReplicas: -1\n  regions:", "12: service.standbyReplicas: -1 is below 0"),
        ("version: v2", "version: v3", "11: service.clusters[1].version: v3 is not a version of this set; declared: v1, v2"),
        ("version: v2", "version: v1", "11: service.clusters[1].version: v1 has cluster d1 already; a version has one cluster"),
        ("- {id: d2", "- {id: d1", "11: service.clusters[1].id: duplicate cluster d1; IDs are unique in a file"),
        ("- {id: v2", "- {id: v1", "5: versions[1].id: duplicate version v1; IDs are unique in a file"),
        ("[north, east]", "[north, north]", "12: service.regions[1]: duplicate region north; IDs are unique in a file"),
        ("id: g1", "id: g2", "2: set.id: a set's file has its ID as name; rename the file to g2.yaml"),
        (
            "name: line-loading",
            "name: line_loading",
            "7: service.name: 'line_loading' is not a DNS label: a-z, 0-9, '-', at most 63, first a letter, last no '-'",
        ),
        ("name: line-loading", f"name: {'x' * 61}", f"10: service.clusters[0].id: {'x' * 61}-d1 has 64 characters, a Kubernetes name at most 63"),
        ("cpu: 2,", "cpu: 2GB,", "10: service.clusters[0].cpu: '2GB' is not a Kubernetes quantity above 0, such as 2, 500m or 2Gi"),
        ("cpu: 2,", "cpu: 2000,", "10: service.clusters[0].cpu: 2000 is 2000 cores, more than a node has; write 1, or 1000m"),
        ("memory: 2Gi", "memory: 512", "10: service.clusters[0].memory: 512 is 512 bytes, in which no pod starts; write 512Mi, or 2Gi"),
        ("replicas: 2", "replicas: -1", "10: service.clusters[0].replicas: -1 is below 0"),
        ("replicas: 2", "replicas: yes", "10: service.clusters[0].replicas: 'yes' is not a whole number"),
        ("gpu: 0", "gpu: 0, timeoutSeconds: 0", "10: service.clusters[0].timeoutSeconds: 0 is below 1"),
        ("gpu: 0", "gpu: 0, timeoutSeconds: 4000", "10: service.clusters[0].timeoutSeconds: 4000 is above 3600"),
        ("gpu: 0", "gpu: 0, timeoutSeconds: 2.5", "10: service.clusters[0].timeoutSeconds: 2.5 is not a whole number"),
        ("gpu: 0", "gpu: 0, timeout_seconds: 9", "10: service.clusters[0].timeout_seconds: unknown key; known: id, version, replicas, autoscaling, cpu, gpu, memory, shards, load, timeoutSeconds, memoryPerRequest"),
        ("2Gi}\n    -", "2Gi, memoryPerRequest: 1Gi}\n    -", "10: service.clusters[0].memoryPerRequest: 1Gi for each of 2 CPUs leaves nothing of the pod's 2Gi for the models"),
        ("2Gi}\n    -", "2Gi, memoryPerRequest: lots}\n    -", "10: service.clusters[0].memoryPerRequest: 'lots' is not a Kubernetes quantity above 0, such as 2, 500m or 2Gi"),
        ("replicas: 2", "autoscaling: {min: 3, max: 2, cpu: 70}", "10: service.clusters[0].autoscaling.max: 2 is below min, which is 3; swap or raise them"),
        ("replicas: 2", "autoscaling: {min: 0, max: 2, cpu: 70}", "10: service.clusters[0].autoscaling.min: 0 is below 1"),
        ("replicas: 2", "autoscaling: {min: 1, max: 2, cpu: 0}", "10: service.clusters[0].autoscaling.cpu: 0 is below 1"),
        ("replicas: 2", "autoscaling: {min: 1, max: 2}", "10: service.clusters[0].autoscaling.cpu: is missing; add it"),
        ("replicas: 2", "autoscaling: 4", "10: service.clusters[0].autoscaling: is not a mapping; write key: value"),
        ("replicas: 2", "autoscaling: {min: 1, max: 2, cpu: 70, memory: 70}", "10: service.clusters[0].autoscaling.memory: unknown key; known: min, max, cpu"),
        ("replicas: 2", "replicas: 2, autoscaling: {min: 1, max: 2, cpu: 70}", "10: service.clusters[0]: d1 has replicas and autoscaling; keep one: an autoscaler starts with min"),
        ("gpu: 0", "gpu: true", "10: service.clusters[0].gpu: True is not a whole number"),
        (", memory: 2Gi}\n    -", "}\n    -", "10: service.clusters[0].memory: is missing; add it"),
        ("source: platform", "source: me", "2: set.source: 'me' is not one of 'platform' or 'user'"),
        ("scikit-learn/skops", "scikit-learn/docx", "2: set.type: 'scikit-learn/docx' is not a known model type; known: scikit-learn/skops, scikit-learn/joblib, scikit-learn/pickle, onnx/onnx, xgboost/ubj, xgboost/json, lightgbm/txt, catboost/cbm, safetensors/safetensors, tensorflow/savedmodel, keras/keras, keras/h5, spark/spark; install the plug-in that has another"),
        ("scikit-learn/skops", "[skops]", "2: set.type: ['skops'] is not a known model type; known: scikit-learn/skops, scikit-learn/joblib, scikit-learn/pickle, onnx/onnx, xgboost/ubj, xgboost/json, lightgbm/txt, catboost/cbm, safetensors/safetensors, tensorflow/savedmodel, keras/keras, keras/h5, spark/spark; install the plug-in that has another"),
        (V1, "sha256:12", "4: versions[0].manifest: 'sha256:12' is not a digest, sha256: and 64 hex digits"),
        ("id: v2", "id: 2.0", "5: versions[1].id: 2.0 is not text; put it in quotes"),
        ("22T08:00:00Z", "22T08:00:00", "4: versions[0].updated: 2026-11-22T08:00:00 has no time zone; write 2026-11-22T08:00:00Z"),
        ("2026-11-22T08:00:00Z", "yesterday", "4: versions[0].updated: 'yesterday' is not a time; write 2026-11-22T08:00:00Z"),
        ("versions:\n", "versions: &all\n", "3: anchors and aliases are not read; write the value out"),
        ("  name: line-loading\n", "  name: a\n  name: b\n", "8: service.name: comes twice, first in line 7"),
        ("task: regression", "task: !!python/name:tests.support.marker.mark x", "2: tag tag:yaml.org,2002:python/name:tests.support.marker.mark is not read; write a plain value"),
        ("task: regression", "7: regression", "2: a key is not text; put it in quotes"),
        ("task: regression", "\n<<<<<<< HEAD\n", "3: a conflict of git is not resolved; keep one side, then `git add`"),
        ("[north, east]", "[north, east", "13: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("[north, east]", "north", "12: service.regions: is not a list"),
        ("task: regression", "task: ''", "2: set.task: is empty"),
        ("source: platform", "source: platform, accelerate: cuda", "2: set.accelerate: Input should be 'onnx' or 'none'"),
        ("scikit-learn/skops, source: platform", "onnx/onnx, source: platform, accelerate: onnx", "2: set.accelerate: compiles models of scikit-learn, xgboost, lightgbm; these are onnx/onnx"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert GOOD.count(old) >= 1
    mistakes = mistakes_in(tmp_path, g1=GOOD.replace(old, new, 1))
    assert f"g1.yaml:{message}" in mistakes


def test_every_mistake_of_every_file_is_told_in_one_run(tmp_path: Path) -> None:
    g1 = (
        GOOD.replace("live: d1 ", "live: d3 ")
        .replace("source: platform", "source: me")
        .replace("gpu: 0", "gpu: x")
        .replace("version: v2", "version: v9")
    )
    mistakes = mistakes_in(tmp_path, g1=g1, g2="set: [", g3="set: {id: g3}\nversions: []\n")
    places = [mistake.split(": ")[0] for mistake in mistakes]
    assert places == ["g1.yaml:2", "g1.yaml:8", "g1.yaml:10", "g1.yaml:11", "g2.yaml:1", *["g3.yaml:1"] * 4]


def test_a_missing_list_of_versions_is_told_with_what_to_write(tmp_path: Path) -> None:
    text = "set: {id: g1, name: n, task: t, type: scikit-learn/skops, source: user}\n"
    assert mistakes_in(tmp_path, g1=text) == ["g1.yaml:1: versions: is missing; write `versions: []`"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "just text\n", "- a\n- b\n", "null\n"])
def test_a_file_that_is_no_mapping_is_told(text: str, tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, g1=text) == ["g1.yaml:1: is not a mapping; write key: value"]


def test_a_file_with_the_other_suffix_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "g1.yml").write_text(GOOD)
    assert mistakes_in(tmp_path) == ["g1.yml:1: is not read; rename the file to g1.yaml"]


def test_of_two_files_with_one_set_none_is_to_be_written_over(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, g1=GOOD, g2=GOOD.replace("line-loading", "bus-voltage")) == [
        "g2.yaml:2: set.id: g1 is the set of g1.yaml; give this one its file's name, g2"
    ]


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_bytes(b"set: \xff\xfe")
    with pytest.raises(ConfigError, match=r"g1.yaml: cannot be read: .*UTF-8"):
        Registry.load(tmp_path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").symlink_to(tmp_path / "absent")
    with pytest.raises(ConfigError) as refused:
        Registry.load(tmp_path)
    assert str(refused.value) == f"{tmp_path}/g1.yaml: cannot be read: No such file or directory"


def service(set_id: str, name: str, cluster: str) -> str:
    return (
        GOOD.replace("id: g1", f"id: {set_id}")
        .replace("name: line-loading", f"name: {name}")
        .replace("live: d1", f"live: {cluster}")
        .replace("id: d1", f"id: {cluster}")
        .replace("id: d2", "id: other")
    )


def test_a_service_name_is_unique_in_the_registry(tmp_path: Path) -> None:
    mistakes = mistakes_in(tmp_path, g1=service("g1", "a", "b"), g2=service("g2", "a", "c"))
    assert mistakes == ["g2.yaml:7: service.name: a is the service of g1.yaml too; a name is one service's"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("a-b", "c"), ("a", "b-c"), "10: service.clusters[0].id: cluster b-c of service a and cluster c of service a-b of g1.yaml are both named a-b-c; rename one"),
        (("a-b", "c"), ("a", "b"), "10: service.clusters[0].id: cluster b of service a and service a-b of g1.yaml are both named a-b; rename one"),
    ],
)  # fmt: skip
def test_kubernetes_names_are_unique_in_the_registry(
    first: tuple[str, str], second: tuple[str, str], message: str, tmp_path: Path
) -> None:
    mistakes = mistakes_in(tmp_path, g1=service("g1", *first), g2=service("g2", *second))
    assert mistakes == [f"g2.yaml:{message}"]


@given(st.text(alphabet="abc:-{}[]&*!|>'\"#%@`, \n\t0123", max_size=80))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    try:
        parse({Path("g1.yaml"): text})
    except RegistryError as error:
        message = str(error).split("\n")
    else:
        return
    assert all(line.startswith("g1.yaml:") for line in message)


def test_an_unknown_key_is_refused_at_any_depth(tmp_path: Path) -> None:
    update = "update: {trainer: {command: [train], paramters: {}}, rollout: {to: live, within: {tol: 1}}}"
    (tmp_path / "g1.yaml").write_text(GOOD.replace("source: platform", f"source: platform, {update}"))
    with pytest.raises(RegistryError) as refused:
        Registry.load(tmp_path)
    assert [line.partition(": ")[2] for line in str(refused.value).splitlines()] == [
        "set.update.rollout.within.tol: unknown key; known: rtol, atol, share",
        "set.update.trainer.paramters: unknown key; known: image, command, parameters, timeoutSeconds",
    ]


@pytest.mark.parametrize(
    ("rollout", "fault"),
    [
        (
            "{to: standby, quality: {metric: mae, better: lower, worsen: 0.1}}",
            "set.update.rollout: to standby compares no quality; take it out, or roll out to live",
        ),
        (
            "{to: live, quality: {metric: mae, worsen: 0.1}}",
            "set.update.rollout.quality.better: is missing",
        ),
        (
            "{to: live, quality: {metric: mae, better: less, worsen: 0.1}}",
            "set.update.rollout.quality.better: Input should be 'lower' or 'higher'",
        ),
        (
            "{to: live, quality: {metric: mae, better: lower, worsen: 10}}",
            "set.update.rollout.quality.worsen: 10 is above 1",
        ),
        (
            "{to: live, quality: {metric: mae, better: lower, worsen: .nan}}",
            "set.update.rollout.quality.worsen: nan is above 1",
        ),
    ],
)
def test_a_demand_for_quality_that_cannot_be_met_is_refused(rollout: str, fault: str, tmp_path: Path) -> None:
    update = f"source: platform, update: {{rollout: {rollout}}}"
    (mistake,) = mistakes_in(tmp_path, g1=GOOD.replace("source: platform", update))
    assert fault in mistake


def test_a_registry_that_is_read_again_has_its_mistakes_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("live: d1 ", "live: d9 ")
    fault = ["g1.yaml:8: service.live: d9 is not a cluster of line-loading; declared: d1, d2"]
    assert mistakes_in(tmp_path, g1=wrong) == fault
    assert mistakes_in(tmp_path, g1=wrong) == fault


def test_a_file_that_is_edited_between_two_readings_is_read_again(tmp_path: Path) -> None:
    assert len(mistakes_in(tmp_path, g1=GOOD.replace("live: d1 ", "live: d9 "))) == 1
    (tmp_path / "g1.yaml").write_text(GOOD.replace("live: d1 ", "live: d2 "))
    assert Registry.load(tmp_path).service("line-loading").live == "d2"


def test_two_files_with_the_same_text_are_two_sources(tmp_path: Path) -> None:
    found = mistakes_in(tmp_path, g1=GOOD, g2=GOOD)
    assert any(line.startswith("g2.yaml:") for line in found)
    assert not any(line.startswith("g1.yaml:2: ") for line in found)
