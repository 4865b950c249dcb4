"""Programs that a build runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bluegrid.image import DEFAULT, FAMILIES, ImageError, environment, packages
from bluegrid.image.commands import Commands

if TYPE_CHECKING:
    from pathlib import Path


def test_every_familys_packages_are_locked_and_those_of_all_are_theirs(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        offline = {**environment.of_programs(), "UV_OFFLINE": "1"}
        commands = Commands(tmp_path / "log", lock.fileno(), tmp_path, offline)
        of = {
            name: set(re.findall(r"^([\w.-]+)==", packages.requirements(commands, family), re.MULTILINE))
            for name, family in FAMILIES.items()
        }
    frameworks = {
        DEFAULT: {"scikit-learn", "skops"},
        "onnx": {"onnxruntime"},
        "xgboost": {"xgboost-cpu"},
        "lightgbm": {"lightgbm"},
        "catboost": {"catboost"},
        "tensorflow": {"tensorflow-cpu", "keras"},
        "spark": {"pyspark"},
    }
    for name, expected in frameworks.items():
        assert expected <= of[name]
        strangers = set().union(*frameworks.values()) - expected - frameworks[DEFAULT]
        assert not strangers & of[name]
    assert not {"matplotlib", "plotly", "graphviz"} & of["catboost"]
    openstef = of.pop("openstef")
    assert {"openstef-models", "xgboost-cpu", "lightgbm", "uvloop"} <= openstef
    assert not {"mlflow-skinny", "databricks-sdk", "bluegrid-server"} & openstef
    every = of.pop("all")
    assert every == set().union(*of.values())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("sh", "-c", "echo one >&2; echo two >&2; exit 7"), "sh ended with 7: two; "),
        (("no-such-program",), "no-such-program was not found, "),
    ],
)
def test_a_program_that_fails_is_told_on_one_line(
    tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    with (tmp_path / "lock").open("w") as lock, pytest.raises(ImageError) as failed:
        Commands(tmp_path / "log", lock.fileno(), tmp_path, environment.of_programs()).run(*command)
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)
