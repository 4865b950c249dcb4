"""`bluegrid` as a user types it: its edits, its output, and its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import ModelSet, ModelType, models_in_folder
from tests.support.command import bluegrid
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

SET = "set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}\n"
SERVICE = """\
service:
  name: line-loading
  live: d1  # the only word that a switch changes
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "g1.yaml").write_text(SET + "versions: []\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return f"file://{tmp_path / 'store'}"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(3):
        (folder / f"line-{number}.skops").write_bytes(skops_file(f"model {number}"))
    return folder


@pytest.fixture
def online(registry: Path, store: str, models: Path) -> Path:
    """A registry with versions v1 and v2, and a service whose cluster d1 serves v1."""
    model_set = ModelSet.open("g1", registry, store)
    skops = ModelType.parse("scikit-learn/skops")
    model_set.push("v1", models_in_folder(models, skops))
    (models / "line-1.skops").write_bytes(skops_file("model 1, retrained"))
    model_set.push("v2", models_in_folder(models, skops))
    with (registry / "g1.yaml").open("a") as file:
        file.write(SERVICE)
    return registry


def push(models: Path, version: str, registry: Path, store: str, *more: str) -> dict[str, object]:
    where: list[str | Path] = ["--registry", registry, "--store", store]
    done = bluegrid("push", models, "--set", "g1", "--version", version, *where, *more, "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def test_a_push_adds_the_version_with_its_digest(registry: Path, store: str, models: Path) -> None:
    report = push(models, "v1", registry, store)
    assert report["models"] == report["sent_models"] == 3
    assert str(report["manifest"]) in (registry / "g1.yaml").read_text()


def test_a_push_that_is_repeated_changes_nothing(registry: Path, store: str, models: Path) -> None:
    push(models, "v1", registry, store)
    before = (registry / "g1.yaml").read_text()
    assert push(models, "v1", registry, store)["sent_models"] == 0
    assert (registry / "g1.yaml").read_text() == before


def test_a_push_on_a_base_sends_what_changed(
    registry: Path, store: str, models: Path, tmp_path: Path
) -> None:
    push(models, "v1", registry, store)
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / "line-2.skops").write_bytes(skops_file("another model 2"))
    report = push(changed, "v2", registry, store, "--base", "v1")
    assert (report["models"], report["sent_models"]) == (3, 1)


def test_a_switch_changes_one_word(online: Path) -> None:
    added = bluegrid("cluster", "add", "line-loading", "d2", "--version", "v2", "--registry", online)
    assert added.returncode == 0, added.stderr
    before = (online / "g1.yaml").read_text()
    done = bluegrid("switch", "line-loading", "d2", "--registry", online)
    assert done.stdout == f"line-loading: d1 -> d2 in {online}; apply it with `pulumi up`\n"
    assert (online / "g1.yaml").read_text() == before.replace("live: d1  #", "live: d2  #")


def test_traffic_is_shared_by_one_line_and_a_switch_ends_it(online: Path) -> None:
    added = bluegrid("cluster", "add", "line-loading", "d2", "--version", "v2", "--registry", online)
    assert added.returncode == 0, added.stderr
    before = (online / "g1.yaml").read_text()
    done = bluegrid("service", "traffic", "line-loading", "d1=90", "d2=10", "--registry", online)
    assert done.stdout == f"line-loading: d1 90, d2 10 in {online}; apply it with `pulumi up`\n"
    assert (online / "g1.yaml").read_text() == f"{before}  traffic: {{d1: 90, d2: 10}}\n"
    done = bluegrid("switch", "line-loading", "d1", "--registry", online)
    assert (done.returncode, (online / "g1.yaml").read_text()) == (0, before)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["switch", "line-loading", "d9"], "d9 is not a cluster of line-loading; declared: d1"),
        (["switch", "line-loadings", "d1"], "line-loading"),
        (["cluster", "remove", "line-loading", "d1"], "d1 is the live cluster of line-loading"),
        (["cluster", "add", "line-loading", "d2", "--version", "v9"], "v9"),
        (["switch", "line-loading", "d1", "--up"], "--stack"),
        (["service", "traffic", "line-loading", "d1=90", "--up"], "--stack"),
        (["service", "traffic", "line-loading", "d1=90", "d2"], "'d2' is not a share; write CLUSTER=WEIGHT"),
        (["service", "traffic", "line-loading", "d1=90", "d9=10"], "d9 is not a cluster of line-loading"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_the_registry_alone(
    arguments: list[str], reason: str, online: Path
) -> None:
    before = (online / "g1.yaml").read_text()
    done = bluegrid(*arguments, "--registry", online)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("error: ")
    assert reason in line
    assert (online / "g1.yaml").read_text() == before


def test_every_mistake_of_a_file_is_a_line_with_its_place(online: Path) -> None:
    text = (online / "g1.yaml").read_text()
    (online / "g1.yaml").write_text(
        text.replace("live: d1", "live: d7").replace("replicas: 2", "replicas: -2")
    )
    done = bluegrid("check", "--registry", online)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"error: {online / 'g1.yaml'}:") for line in lines)


def test_a_store_that_does_not_answer_is_one_line(registry: Path, models: Path) -> None:
    store = "s3://models/x?endpoint=http://127.0.0.1:9&region=us-east-1"
    account = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    where: list[str | Path] = ["--registry", registry, "--store", store]
    done = bluegrid("push", models, "--set", "g1", "--version", "v1", *where, **account)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "http://127.0.0.1:9" in line


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "gone", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    for context in ("gone", "unknown"):
        done = bluegrid("status", "--context", context, KUBECONFIG=str(config))
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert line.startswith(f"error: context {context}: ")


def test_wrong_usage_is_exit_code_2() -> None:
    missing, unknown = bluegrid("push"), bluegrid("store", "gc", "--older")
    assert (missing.returncode, unknown.returncode) == (2, 2)
    assert missing.stderr.splitlines() == ["error: Missing option '--set'; see `bluegrid push --help`"]
    assert unknown.stderr.splitlines() == ["error: No such option: --older; see `bluegrid store gc --help`"]


def test_every_value_of_which_no_cluster_can_be_made_is_told_in_one_line(online: Path) -> None:
    wrong: list[str | Path] = ["--version", "v2", "--cpu", "2GB", "--replicas", "-1", "--registry", online]
    done = bluegrid("cluster", "add", "line-loading", "D_2", *wrong)
    assert done.returncode == 1
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["error", "id"],
        ["error", "replicas"],
        ["error", "cpu"],
    ]
