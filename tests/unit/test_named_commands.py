"""Every command that pages, messages and workflows name exists, under the name that help lists."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from bluegrid.cli.commands import ALIASES, COMMANDS
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = {row.path for row in COMMANDS}
GROUPS = {path.rpartition(" ")[0] for path in PATHS} - {""}
WORDS = r"bluegrid ([a-z][\w-]*(?: [a-z][\w-]*)?)"
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s# .*")
IN_CODE = re.compile(rf"(?<![\w/.:=-])(?<!-n )(?<!of ){WORDS}")
IN_TEXT = re.compile(rf'(?:`|: |\$ |&& |"code", null, "){WORDS}')
IN_A_SCRIPT = re.compile(rf"(?:^\s*(?:- )?|: |&& |\| |\$\(){WORDS}", re.MULTILINE)
FOLDERS = (
    *(".github", "benchmarks", "bluegrid", "components", "docs", "examples"),
    *("model_registry", "model_server", "tools"),
)
SUFFIXES = {".js", ".md", ".py", ".yaml", ".yml"}
RENAMES = {"CHANGELOG.md"}
"""Pages about spellings of before."""


def _named(file: str) -> Iterator[str]:
    """Yield the words after `bluegrid` of each command that a file names, at most two of them."""
    text = (CHECKOUT / file).read_text()
    if file.endswith(".md"):
        for code in CODE.finditer(text):
            yield from IN_CODE.findall(COMMENT.sub("", code[0].strip("`")))
    elif file.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from IN_TEXT.findall(node.value)
    else:
        yield from (IN_TEXT if file.endswith(".js") else IN_A_SCRIPT).findall(text)


def _fault(words: str) -> str | None:
    """Return why the words are no command that help lists; None: they are one."""
    first = words.split()[0]
    if first in GROUPS:
        return None if words == first or words in PATHS else "no such command"
    if first in PATHS:
        return None
    return f"now: {ALIASES[first]}" if first in ALIASES else "no such command"


def _files() -> list[str]:
    found = [*CHECKOUT.glob("*.md"), CHECKOUT / "Makefile"]
    found += [
        path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*") if path.suffix in SUFFIXES
    ]
    names = sorted(path.relative_to(CHECKOUT).as_posix() for path in found)
    return [name for name in names if name not in RENAMES]


def test_every_command_that_a_file_names_is_one_that_help_lists() -> None:
    named = [(file, words) for file in _files() for words in _named(file)]
    assert len(named) > 500
    assert [f"{file}: bluegrid {words}: {_fault(words)}" for file, words in named if _fault(words)] == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("switch line-loading", None),
        ("cluster scale", None),
        ("cluster", None),
        ("cluster grow", "no such command"),
        ("scale line-loading", "now: cluster scale"),
        ("fly", "no such command"),
    ],
)
def test_an_old_or_unknown_name_is_found(words: str, fault: str | None) -> None:
    assert _fault(words) == fault
