"""Commands that print data print it for machines too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from bluegrid.cli.commands import COMMANDS
from bluegrid.cli.main import app
from tests.support.operator import output_of

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = {row.path.rpartition(" ")[0] for row in COMMANDS}
WITHOUT = {
    # They run until they are stopped, or show a way to people.
    *("server start", "tour"),
    # Their output has a format of its own: Markdown, or a JSON schema.
    *("preview report", "schema"),
}


def command(path: str) -> Any:
    found: Any = typer.main.get_command(app)
    for word in path.split():
        found = found.load(word)
    return found


def test_every_command_that_prints_data_has_the_option() -> None:
    paths = {row.path for row in COMMANDS if row.path not in GROUPS and not row.path.startswith("ci ")}
    without = {path for path in paths if all("--json" not in each.opts for each in command(path).params)}
    assert without - {"init"} == WITHOUT


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("check",), {"registry": "registry", "sets": 1, "services": 1}),
        (
            ("cluster", "scale", "line-loading", "d1", "4"),
            {"changed": True, "values": {"replicas": {"old": 2, "new": 4}}},
        ),
        (
            ("cluster", "set", "line-loading", "d1", "load=lazy"),
            {"values": {"load": {"old": "eager", "new": "lazy"}}},
        ),
        (("cluster", "remove", "line-loading", "d2"), {"changed": True}),
        (("service", "remove", "line-loading", "--yes"), {"changed": True}),
        (("set", "edit", "g1", "--name", "Other"), {"changed": True}),
        (
            ("set", "add", "g2", "--name", "B", "--task", "regression", "--type", "onnx/onnx"),
            {"set": "g2", "file": "registry/g2.yaml"},
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_an_edit_prints_what_it_has_changed(
    arguments: tuple[str, ...], expected: dict[str, Any], file: Path
) -> None:
    before = [path.read_text() for path in file.parent.iterdir()]
    printed = json.loads(output_of(*arguments, "--json"))
    assert expected.items() <= printed.items()
    assert ([path.read_text() for path in file.parent.iterdir()] == before) is (arguments == ("check",))
