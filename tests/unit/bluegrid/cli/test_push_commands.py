"""`bluegrid push` with models left out of a base, and its refusals."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid_registry import BluegridError, ModelSet
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

SET = "set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("registry", "store", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(SET + "versions: []\n")
    for number in range(12):
        (tmp_path / "models" / f"line-{number:02}.skops").write_bytes(skops_file(f"model {number}"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLUEGRID_STORE", f"file://{tmp_path}/store")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def push(version: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["push", "--set", "g1", "--version", version, *arguments])


def test_models_are_left_out_without_a_folder(place: Path) -> None:
    assert push("v1", "models").exit_code == 0
    done = push("v2", "--base", "v1", "--without", "line-00", "--without", "line-1*", "--json")
    report = json.loads(done.stdout)
    assert (report["models"], report["sent_models"]) == (9, 0)
    assert [version.id for version in ModelSet.open("g1").versions] == ["v1", "v2"]


def test_models_are_left_out_and_others_replaced(place: Path) -> None:
    push("v1", "models")
    (place / "changed").mkdir()
    (place / "changed" / "line-03.skops").write_bytes(skops_file("retrained"))
    done = push("v2", "changed", "--base", "v1", "--without", "line-00")
    assert re.fullmatch(
        r"set g1 version v2: 11 models, 1 sent \(0\.00 MB\); sha256:[0-9a-f]{12}\n", done.stdout
    )


def test_a_push_leaves_nothing_out_silently(place: Path) -> None:
    (place / "models" / "line-12.SKOPS").write_bytes(skops_file("model 12"))
    (place / "models" / "train.log").write_text("trained")
    refused = push("v1", "models", "--ignore", "*.log")
    assert isinstance(refused.exception, BluegridError)
    assert "models: not taken: line-12.SKOPS; " in str(refused.exception)
    assert ModelSet.open("g1").versions == ()
    done = push("v1", "models", "--ignore", "*.log", "--ignore", "*.SKOPS", "--json")
    assert json.loads(done.stdout)["models"] == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"line-00": {"metrics": {"mae": NaN}}}',
            "line-00.metrics.mae: Input should be a finite number; le",
        ),
        ('{"line-99": {"author": "ada"}}', "line-99 has a lineage and no model; correct the UID, or add"),
    ],
)
def test_a_mistake_in_the_lineage_is_one_line_and_pushes_nothing(
    text: str, message: str, place: Path
) -> None:
    (place / "models" / "lineage.json").write_text(text)
    refused = push("v1", "models")
    assert isinstance(refused.exception, BluegridError)
    assert str(refused.exception).startswith(f"models/lineage.json: {message}")
    assert "\n" not in str(refused.exception)
    assert ModelSet.open("g1").versions == ()


def test_a_name_that_is_no_model_of_the_base_is_refused() -> None:
    push("v1", "models")
    done = push("v2", "--base", "v1", "--without", "line-9*")
    assert isinstance(done.exception, BluegridError)
    assert "set g1 version v1: no model is named 'line-9*'" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "--without", "line-00"], "add --base"),
        (
            ["--base", "v1", "--without", "line-00", "--ignore", "*.log"],
            "is for files in FOLDER: name the folder",
        ),
        ([], "only --without does without a folder"),
        (["--base", "v1"], "only --without does without a folder"),
    ],
)
def test_wrong_usage_says_what_is_missing(arguments: list[str], message: str) -> None:
    done = push("v2", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
