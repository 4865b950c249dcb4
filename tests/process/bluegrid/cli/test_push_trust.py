"""A push of models that name what their set does not trust asks on a terminal, and else says what to type."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.support.command import bluegrid
from tests.support.marker import NAME, mark
from tests.support.samples import ridge
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

SET = """\
# The sets of the north.
set:
  id: g1
  name: Line loading  # of 110 kV
  task: regression
  type: scikit-learn/pickle
  source: platform
versions: []
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("registry", "store", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(SET)
    marked = pickle.dumps(make_pipeline(FunctionTransformer(mark), ridge()))
    own = pickle.dumps(make_pipeline(FunctionTransformer(), ridge()), protocol=2)
    for name, data in {"a": marked, "b": marked, "c": own}.items():
        (tmp_path / "models" / f"{name}.pickle").write_bytes(data)
    monkeypatch.setenv("BLUEGRID_STORE", f"file://{tmp_path}/store")
    monkeypatch.setenv("BLUEGRID_REGISTRY", str(tmp_path / "registry"))
    return tmp_path


def test_on_a_terminal_the_names_are_shown_trusted_on_request_and_the_push_goes_on(place: Path) -> None:
    code, shown = on_terminal("y", "push", place / "models", "--set", "g1", "--version", "v1")
    assert "set g1 does not trust these classes and functions, which its models name:\n" in shown
    assert f"  {NAME}  in a and 1 more\n" in shown
    assert "Trust them in g1.yaml, and push? [y/N]" in shown
    assert "set g1 version v1: 3 models, 2 sent" in shown
    assert code == 0
    text = (place / "registry" / "g1.yaml").read_text()
    head = SET.partition("versions:")[0]
    assert text.startswith(f"{head}  trust: [{NAME}]\nversions:")
    assert "{id: v1, " in text


@pytest.mark.parametrize("answer", ["n", ""])
def test_without_a_yes_nothing_changes(place: Path, answer: str) -> None:
    code, shown = on_terminal(answer, "push", place / "models", "--set", "g1", "--version", "v1")
    assert f"error: models a and 1 more: name what is not trusted: {NAME}; " in shown
    assert code == 1
    assert (place / "registry" / "g1.yaml").read_text() == SET


def test_without_a_terminal_the_refusal_has_the_command_that_trusts_the_names(place: Path) -> None:
    done = bluegrid("push", place / "models", "--set", "g1", "--version", "v1")
    assert done.stdout == ""
    assert done.stderr == (
        f"error: models a and 1 more: name what is not trusted: {NAME}; build it without, or, "
        f"once that is known to be harmless: `bluegrid set edit g1 --trust {NAME}`\n"
    )
    assert done.returncode == 1
    assert bluegrid("set", "edit", "g1", "--trust", NAME).returncode == 0
    assert bluegrid("push", place / "models", "--set", "g1", "--version", "v1").returncode == 0


def test_names_that_run_code_are_refused_without_a_question(place: Path) -> None:
    reading = pickle.dumps(make_pipeline(FunctionTransformer(os.getcwd), ridge()))
    (place / "models" / "d.pickle").write_bytes(reading)
    code, shown = on_terminal("y", "push", place / "models", "--set", "g1", "--version", "v1")
    assert "[y/N]" not in shown
    assert "error: model d: names what is not trusted: posix.getcwd; that can run programs or code" in shown
    assert code == 1
    assert (place / "registry" / "g1.yaml").read_text() == SET


def test_a_set_of_mixed_kinds_is_declared_by_one_option(place: Path) -> None:
    (place / "models" / "a.pickle").unlink()
    (place / "models" / "b.pickle").write_bytes(pickle.dumps(ridge()))
    refused = bluegrid("push", place / "models", "--set", "g1", "--version", "v1")
    assert refused.stderr == (
        "error: not of the same estimators: b of Ridge, "
        "the others (c) of Pipeline (FunctionTransformer, Ridge); "
        "put other estimators into a set of their own, or allow them: `bluegrid set edit g1 --kinds mixed`\n"
    )
    assert bluegrid("set", "edit", "g1", "--kinds", "mixed").stdout == "set g1: changed\n"
    assert "  kinds: mixed\n" in (place / "registry" / "g1.yaml").read_text()
    assert bluegrid("push", place / "models", "--set", "g1", "--version", "v1").returncode == 0
    assert bluegrid("set", "edit", "g1", "--kinds", "same").stdout == "set g1: changed\n"
    assert "kinds" not in (place / "registry" / "g1.yaml").read_text()
    assert "kinds: mixed" not in bluegrid("set", "show", "g1").stdout
