"""`bluegrid serve`: what is refused before a server starts, and the example that it prints."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid.cli.serve import features_of
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

TYPE = ("--type", "scikit-learn/skops")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "registry").mkdir()
    (tmp_path / "models" / "line-1.skops").write_bytes(skops_file("model"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLUEGRID_STORE", raising=False)
    return tmp_path


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["serve", *arguments], env={"COLUMNS": "300", "TERM": "dumb"})
    assert done.exit_code != 0
    return done.output + str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models"], "--type scikit-learn/skops"),
        (["g1", *TYPE], "g1: no such folder; to serve a version of a set: bluegrid serve SET VERSION"),
        (["g1", "v1", *TYPE], "settings of a set are in its YAML: leave out --type"),
        (["g1", "v1"], "no set g1"),
        (["models", "--type", "skops"], "skops"),
        (["models", *TYPE, "--service", "Line loading"], "'Line loading' is not a DNS label"),
    ],
    ids=["no type", "no folder", "a set's type", "unknown set", "no framework", "no DNS label"],
)
def test_what_cannot_be_served_is_refused(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_a_missing_server_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "serving needs the model server: pip install 'bluegrid[serve]'" in refused("models", *TYPE)


def test_another_system_than_linux_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "serving needs Linux, this is darwin; serve in a container" in refused("models", *TYPE)


def test_a_version_that_is_not_in_the_store_is_refused_at_once(place: Path) -> None:
    (place / "store").mkdir()
    head = "set: {id: g1, name: Lines, task: regression, type: scikit-learn/skops, source: user}\n"
    row = f'{{id: v1, manifest: "sha256:{"a" * 64}", updated: 2026-11-22T08:00:00Z}}'
    (place / "registry" / "g1.yaml").write_text(f"{head}versions:\n  - {row}\n")
    assert "or name it with --store" in refused("g1", "v1")
    message = refused("g1", "v1", "--store", (place / "store").as_uri())
    assert message.startswith("set g1 version v1: ")
    assert "\n" not in message


def test_a_folder_is_checked_as_in_a_push_and_refused_with_options_of_this_command(place: Path) -> None:
    (place / "models" / "notes.txt").write_text("a note")
    message = refused("models", *TYPE)
    assert "models: not taken: notes.txt; " in message
    assert message.endswith("ignore what is not: --ignore PATTERN")


def spec(shape: list[int], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": "x", "datatype": datatype, "shape": shape}


@pytest.mark.parametrize(
    ("inputs", "features"),
    [
        ([spec([-1, 3])], 3),
        ([spec([-1]), spec([-1], "INT64")], None),
        ([spec([-1, 1]), spec([-1, 1])], 2),
        ([spec([-1, 1]), spec([-1, 1], "BYTES")], None),
        ([spec([-1, 24, 4])], None),
        ([spec([-1, -1])], None),
        ([], None),
    ],
    ids=["a table", "series", "columns", "strings", "a series", "any number", "no metadata"],
)
def test_the_example_has_as_many_numbers_as_a_model_takes(
    inputs: list[dict[str, Any]], features: int | None
) -> None:
    assert features_of(inputs) == features
