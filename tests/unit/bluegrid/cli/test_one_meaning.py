"""The name of an option means one thing in all commands, and has one short form."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pytest
import typer

from bluegrid.cli.commands import COMMANDS, OLD_OPTIONS
from bluegrid.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {row.path.rpartition(" ")[0] for row in COMMANDS}
PATHS = [row.path for row in COMMANDS if row.path not in GROUPS]
SUBJECTS = {
    "--cluster": "cluster",
    "--context": "kube context",
    "--dry-run": "nothing",
    "--ignore": "Ignore these files",
    "--last": "newest first",
    "--only": "this model",
    "--out": "The new file",
    "--port": "Port to listen on",
    "--region": "region",
    "--registry": "registry files",
    "--set": "set",
    "--stack": "stack",
    "--stacks": "Folder of the stacks' files",
    "--store": "store",
    "--timeout": "How long",
    "--type": "type",
    "--up": "Also run `pulumi up`",
    "--version": "version",
}
"""What the help of an option names in every command, where it says more in some of them."""


def command(path: str) -> Any:
    found: Any = typer.main.get_command(app)
    for word in path.split():
        found = found.load(word)
    return found


def options() -> Iterator[tuple[str, str, Any]]:
    """Yield command, long name and parameter of every option of every command."""
    for path in PATHS:
        for parameter in command(path).params:
            if parameter.param_type_name == "option":
                yield path, max(parameter.opts, key=len), parameter


def values(of: str) -> dict[str, dict[Any, list[str]]]:
    """Return for each option its different values of an attribute, with the commands that have them."""
    found: dict[str, dict[Any, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path, name, parameter in options():
        found[name][attribute(parameter, of)].append(path)
    return {name: dict(each) for name, each in found.items()}


def attribute(parameter: Any, of: str) -> Any:
    if of == "names":
        return frozenset(parameter.opts)
    if of == "type":
        # Some commands take several: it is still the same thing that the option names.
        annotation = parameter.type_descriptor.annotation
        return get_args(annotation)[0] if get_origin(annotation) is list else annotation
    return getattr(parameter, of)


@pytest.mark.parametrize("of", ["names", "type"])
def test_an_option_has_one_short_form_and_one_type(of: str) -> None:
    assert {name: each for name, each in values(of).items() if len(each) > 1} == {}


def test_a_short_form_is_of_one_option() -> None:
    found = defaultdict(set)
    for _, name, parameter in options():
        for short in {*parameter.opts} - {name}:
            found[short].add(name)
    assert {"-n", "-s"} <= found.keys()
    assert {short: names for short, names in found.items() if len(names) > 1} == {}


def test_an_option_reads_one_environment_variable_or_none() -> None:
    read = {name: {str(each) for each in found if each} for name, found in values("envvar").items()}
    assert {name: found for name, found in read.items() if len(found) > 1} == {}


def test_the_help_of_an_option_is_the_same_or_names_the_same_thing() -> None:
    various = {name: [*each] for name, each in values("help").items() if len(each) > 1}
    strays = {name: texts for name, texts in various.items() if name not in SUBJECTS}
    assert strays == {}, "declare the option once in options.py, or give it a name of its own"
    assert [
        (name, text) for name, texts in various.items() for text in texts if SUBJECTS[name] not in text
    ] == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [(path, old, new) for path, renamed in OLD_OPTIONS.items() for old, new in renamed.items()],
)
def test_an_old_spelling_of_an_option_is_no_longer_one(path: str, old: str, new: str) -> None:
    names = {name for parameter in command(path).params for name in parameter.opts}
    assert old not in names
    assert new in names
