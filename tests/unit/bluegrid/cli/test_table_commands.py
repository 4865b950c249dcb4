"""Commands on sets, versions and models: list, show, compare, fetch, verify and collect."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid.cli.remedies import message_of
from bluegrid_registry import BluegridError
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from typer.testing import Result

SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with set g1, its versions v1 and v2, and a cluster that serves v1."""
    folder = tmp_path_factory.mktemp("original")
    for name in ("registry", "store", "models"):
        (folder / name).mkdir()
    for number in range(12):
        (folder / "models" / f"line-{number:02}.skops").write_bytes(skops_file(f"model {number}"))
    example = {"inputs": [[1.0]], "outputs": [2.0]}
    (folder / "models" / "examples.json").write_text(json.dumps({"line-03": example}))
    with pytest.MonkeyPatch.context() as patch:
        work_in(folder, patch)
        kind = "--task", "regression", "--type", "scikit-learn/skops"
        output_of("set", "add", "g1", "--name", "Line loading", *kind)
        output_of("push", "models", "--set", "g1", "--version", "v1")
        (folder / "models" / "line-03.skops").write_bytes(skops_file("model 3, trained again"))
        example["outputs"] = [2.5]
        (folder / "models" / "examples.json").write_text(json.dumps({"line-03": example}))
        output_of("push", "models", "--set", "g1", "--version", "v2")
    with (folder / "registry" / "g1.yaml").open("a") as file:
        file.write(SERVICE)
    return folder


@pytest.fixture(autouse=True)
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the registry for each test."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    work_in(tmp_path, monkeypatch)
    return tmp_path


def work_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.setenv("BLUEGRID_STORE", f"file://{folder}/store")
    patch.setenv("COLUMNS", "200")


def bluegrid(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def output_of(*arguments: str) -> str:
    done = bluegrid(*arguments)
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.stdout


def data(*arguments: str) -> Any:
    return json.loads(output_of(*arguments, "--json"))


def refused(*arguments: str) -> str:
    done = bluegrid(*arguments)
    assert isinstance(done.exception, BluegridError), done.output
    assert "\n" not in str(done.exception)
    return message_of(done.exception)


def test_sets_are_listed_and_searched() -> None:
    output_of(
        "set",
        "add",
        "g2",
        "--name",
        "Bus voltage",
        "--task",
        "regression",
        "--type",
        "onnx/onnx",
        "--source",
        "user",
    )
    assert [row["set"] for row in data("set", "list")] == ["g1", "g2"]
    assert [row["set"] for row in data("set", "list", "--framework", "onnx")] == ["g2"]
    assert [row["set"] for row in data("set", "list", "--source", "platform")] == ["g1"]
    assert [row["set"] for row in data("set", "list", "--type", "onnx/onnx")] == ["g2"]
    head, first, _ = output_of("set", "list").splitlines()
    assert head.split() == ["SET", "NAME", "TASK", "TYPE", "SOURCE", "VERSIONS", "NEWEST", "SERVICE"]
    assert first.split()[0] == "g1"
    assert first.split()[-3:] == ["2", "v2", "line-loading"] or first.split()[-2:] == ["v1", "line-loading"]


def test_a_set_is_shown_edited_and_removed() -> None:
    assert "cluster d1: version v1, 2 replicas" in output_of("set", "show", "g1")
    output_of("set", "edit", "g1", "--name", "Line load")
    assert data("set", "show", "g1")["set"]["name"] == "Line load"
    assert "set g1 is online" in refused("set", "remove", "g1", "--with-versions")
    output_of("set", "add", "g2", "--name", "n", "--task", "t", "--type", "onnx/onnx")
    output_of("set", "remove", "g2")
    assert [row["set"] for row in data("set", "list")] == ["g1"]


def test_a_set_is_shown_with_all_that_its_answers_depend_on(place: Path) -> None:
    file = place / "registry" / "g1.yaml"
    declared = "outputs: [y, std], nonFinite: refuse, kinds: mixed, accelerate: onnx"
    file.write_text(file.read_text().replace("set: {", f"set: {{{declared}, "))
    shown = output_of("set", "show", "g1").splitlines()
    assert shown[8:12] == ["outputs: y, std", "nonFinite: refuse", "accelerate: onnx", "kinds: mixed"]


def test_a_set_trusts_what_it_is_told_to_trust() -> None:
    output_of(
        "set", "add", "g2", "--name", "n", "--task", "t", "--type", "onnx/onnx", "--trust", "own.Scaler"
    )
    output_of("set", "edit", "g2", "--trust", "own.scale", "--trust", "own.Scaler")
    assert data("set", "show", "g2")["set"]["trust"] == ["own.Scaler", "own.scale"]
    assert "nothing to change" in output_of("set", "edit", "g2", "--trust", "own.scale")


def test_a_set_that_cannot_be_is_refused() -> None:
    assert "'onnx/docx' is not a known model type" in refused(
        "set", "add", "g2", "--name", "n", "--task", "t", "--type", "onnx/docx"
    )
    assert "is not an ID" in refused(
        "set", "add", "../g2", "--name", "n", "--task", "t", "--type", "onnx/onnx"
    )


def test_versions_are_listed_shown_and_removed() -> None:
    rows = data("version", "list", "g1")
    assert [(row["version"], row["clusters"]) for row in rows] == [("v1", ["d1"]), ("v2", [])]
    shown = data("version", "show", "g1", "v2")
    assert (shown["inputs"], shown["outputs"]) == (["x FP64 [n, 1]"], [])
    assert (shown["models"], shown["examples"]) == (12, 1)
    assert "cluster d1 of line-loading serves it" in refused("version", "remove", "g1", "v1")
    assert "removed; the store keeps it" in output_of("version", "remove", "g1", "v2")
    assert [row["version"] for row in data("version", "list", "g1")] == ["v1"]


def test_a_pipe_of_any_width_has_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    _, first, _ = output_of("version", "list", "g1").splitlines()
    assert first.split()[0] == "v1"
    assert first.split()[-1] == data("version", "list", "g1")[0]["manifest"]


def test_a_narrow_terminal_gets_whole_ids_and_short_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, first, _ = output_of("version", "list", "g1").splitlines()
    assert first.split()[0] == "v1"
    assert first.split()[-1] == f"{data('version', 'list', 'g1')[0]['manifest'][:19]}…"


def test_two_versions_are_compared() -> None:
    found = data("version", "diff", "g1", "v1", "v2")
    assert (found["added"], found["removed"], found["unchanged"]) == ([], [], 11)
    (changed,) = found["changed"]
    assert (changed["uid"], changed["moved"]) == ("line-03", 0.5)
    text = output_of("version", "diff", "g1", "v1", "v2").splitlines()
    assert text[0].startswith("set g1 v1 -> v2: 0 added, 1 changed, 0 removed, 11 unchanged; +")
    assert text[1].strip().startswith("~ line-03 (+")
    assert text[1].endswith("answers moved by 0.5)")


def test_what_moved_the_farthest_comes_first_and_what_is_not_known_is_counted(place: Path) -> None:
    example = {"inputs": [[1.0]], "outputs": [9.0]}
    for name in ("line-00", "line-03", "line-05"):
        (place / "models" / f"{name}.skops").write_bytes(skops_file(f"{name}, for v3"))
    (place / "models" / "examples.json").write_text(json.dumps({"line-03": example}))
    output_of("push", "models", "--set", "g1", "--version", "v3")
    head, *rows = output_of("version", "diff", "g1", "v2", "v3").splitlines()
    assert head.endswith("; how far answers moved is not known of 2: no examples on the same inputs")
    assert [row.split()[1] for row in rows] == ["line-03", "line-00", "line-05"]


def test_models_are_found_in_all_sets_by_uid_and_type() -> None:
    output_of("set", "add", "g2", "--name", "Other", "--task", "regression", "--type", "scikit-learn/skops")
    output_of("set", "add", "g3", "--name", "Empty", "--task", "regression", "--type", "scikit-learn/skops")
    output_of("push", "models", "--set", "g2", "--version", "w1")
    rows = data("model", "find", "line-0[34]")
    assert [(row["set"], row["version"], row["uid"]) for row in rows] == [
        ("g1", "v2", "line-03"),
        ("g1", "v2", "line-04"),
        ("g2", "w1", "line-03"),
        ("g2", "w1", "line-04"),
    ]
    assert data("model", "find", "line-03", "--type", "onnx/onnx") == []
    assert data("model", "find", "line-99") == []


def test_models_are_listed_shown_and_got(place: Path) -> None:
    rows = data("model", "list", "g1", "v1", "--only", "line-0[34]")
    assert [(row["uid"], row["example"]) for row in rows] == [("line-03", True), ("line-04", False)]
    assert data("model", "show", "g1", "v1", "line-03")["example"]["outputs"] == [2.0]
    output_of("model", "get", "g1", "v1", "line-03", "--out", "got.skops")
    assert (place / "got.skops").read_bytes() == skops_file("model 3")
    assert "exists and is never overwritten" in refused(
        "model", "get", "g1", "v1", "line-03", "--out", "got.skops"
    )
    assert "no model is named 'bus-1'" in refused("model", "show", "g1", "v1", "bus-1")
    assert "matches 12 models" in refused("model", "get", "g1", "v1", "line-*", "--out", "some")


def test_some_models_are_fetched_and_verified(place: Path) -> None:
    fetched = data("fetch", "g1", "v1", "into", "--only", "line-00", "--only", "line-1*", "--cache", "cache")
    assert sorted(fetched["paths"]) == ["line-00", "line-10", "line-11"]
    assert Path(fetched["paths"]["line-00"]).read_bytes() == skops_file("model 0")
    assert "12 models verified in into/" in output_of("fetch", "g1", "v1", "into")
    assert "12 models sound" in output_of("verify", "g1", "v1", "--folder", "into")
    Path(fetched["paths"]["line-00"]).write_bytes(b"rot")
    done = bluegrid("verify", "g1", "v1", "--folder", "into")
    assert done.exit_code == 1
    assert "  damaged line-00" in done.stdout
    assert "fetched again: all sound" in output_of("verify", "g1", "v1", "--folder", "into", "--repair")


def test_a_store_is_verified_and_healed_from_a_copy(place: Path) -> None:
    assert "2 versions, 24 models checked" in output_of("verify", "g1")
    shutil.copytree("store", "copy")
    pack = min(place.glob("store/sets/g1/packs/*/*.mpk"))
    pack.write_bytes(pack.read_bytes()[:-3])
    done = bluegrid("verify", "g1", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["sound"] is False
    assert "healed sets/g1/packs/" in output_of("verify", "g1", "--repair", "--from", f"file://{place}/copy")
    assert data("verify", "g1")["sound"] is True


def test_the_lineage_of_models_is_shown_and_versions_are_compared_by_it(place: Path) -> None:
    def pushed(version: str, text: str, run: str, mae: float) -> None:
        folder = place / version
        folder.mkdir()
        (folder / "line-03.skops").write_bytes(skops_file(text))
        trained = {"author": "ada", "run": run, "metrics": {"mae": mae}}
        (folder / "lineage.json").write_text(json.dumps({"line-03": trained}))
        output_of("push", str(folder), "--set", "g1", "--version", version, "--base", "v2")

    pushed("v3", "model 3 of March", "4f7c", 0.04)
    pushed("v4", "model 3 of April", "99ab", 0.03)
    shown = data("model", "show", "g1", "v4", "line-03")
    assert shown["lineage"] == {"author": "ada", "metrics": {"mae": 0.03}, "run": "99ab"}
    assert data("model", "show", "g1", "v4", "line-04")["lineage"] is None
    lines = output_of("model", "show", "g1", "v4", "line-03").splitlines()
    assert "lineage: author ada, metrics mae 0.03, run 99ab" in lines
    assert data("version", "show", "g1", "v4")["lineages"] == 1
    found = data("version", "diff", "g1", "v3", "v4")
    assert found["metrics"] == [
        {"metric": "mae", "models": 1, "rose": 0, "fell": 1, "old": 0.04, "new": 0.03}
    ]
    assert found["changed"][0]["metrics"] == {"mae": [0.04, 0.03]}
    assert found["changed"][0]["lineage"]["run"] == "99ab"
    text = output_of("version", "diff", "g1", "v3", "v4")
    assert "  metric mae 0.04 -> 0.03, fell in 1 of 1 model\n" in text
    assert "bytes, mae 0.04 -> 0.03)" in text


def test_garbage_is_shown_and_deleted_only_when_asked_to() -> None:
    output_of("version", "remove", "g1", "v2")
    assert "0 objects, 0.0 MB would go; --delete deletes them" in output_of("store", "gc")
    assert "removed, kept until" in output_of("store", "gc", "--delete")
    assert list(data("store", "gc")[0]["waiting"]) == ["v2"]
