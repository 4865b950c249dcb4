"""Reads the rows of the table from the tests' source, which takes less than importing the frameworks."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMEWORKS = (
    "every framework",
    "scikit-learn",
    "XGBoost",
    "LightGBM",
    "CatBoost",
    "ONNX",
    "Keras",
    "TensorFlow",
    "Spark",
    "plug-ins",
)
"""Names in the first column, in the order of the table."""

_ARGUMENTS = {"served": 2, "not_served": 3}
"""Number of arguments of each marker."""
_UNPROVEN = ("pytest.mark.skip", "pytest.mark.xfail")
"""Decorators of tests that prove nothing; `skipif` begins with the first of them."""


class RowError(Exception):
    """A marker is not a row of the table; the message names the file and the line."""


@dataclass(frozen=True)
class FrameworkRow:
    """A row of the table.

    Attributes:
        framework: one of FRAMEWORKS.
        what: the models, requests or answers that the row is about.
        reason: why they are not served, and the way out; None: they are served.
        test: file of the test that proves the row, relative to the checkout.
    """

    framework: str
    what: str
    reason: str | None
    test: str

    @property
    def key(self) -> tuple[int, bool, str]:
        """Position in the table: by framework, what is served first."""
        return FRAMEWORKS.index(self.framework), self.reason is not None, self.what.casefold()


def read_rows(checkout: Path) -> list[FrameworkRow]:
    """Return the rows of all tests, in the order of the table; of equal rows, the first file's.

    Raises:
        RowError: a marker is wrong, its test is skipped, or two tests contradict each other.
    """
    rows: dict[tuple[str, str], FrameworkRow] = {}
    for path in sorted((checkout / "tests").rglob("test_*.py")):
        name = path.relative_to(checkout).as_posix()
        for row in rows_of(path.read_text(), name):
            other = rows.setdefault((row.framework, row.what), row)
            if other.reason != row.reason:
                raise RowError(f"{name}: {row.framework}: {row.what!r} is otherwise in {other.test}")
    return sorted(rows.values(), key=lambda row: row.key)


def rows_of(source: str, name: str) -> Iterator[FrameworkRow]:
    """Yield the rows of a file of tests; `name` is its path for messages and links."""
    tree = ast.parse(source)
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[ast.Call] = set()
    for test in tree.body:
        if not isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)) or not test.name.startswith("test_"):
            continue
        for decorator in test.decorator_list:
            # The cases of a `parametrize` may be a constant of the module.
            names = {node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)}
            for tree_of_rows in (decorator, *(assigned[each] for each in names & assigned.keys())):
                for call in _markers(tree_of_rows):
                    found.add(call)
                    yield _row(call, name, test)
    if strays := [call.lineno for call in _markers(tree) if call not in found]:
        raise RowError(f"{name}:{min(strays)}: the marker of a row is at no test; put it on the test")


def _markers(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _ARGUMENTS
            and ast.unparse(node.func.value) == "pytest.mark"
        ):
            yield node


def _row(call: ast.Call, name: str, test: ast.FunctionDef | ast.AsyncFunctionDef) -> FrameworkRow:
    assert isinstance(call.func, ast.Attribute)  # noqa: S101 - for mypy
    marker, where = call.func.attr, f"{name}:{call.lineno}"
    if any(ast.unparse(each).startswith(_UNPROVEN) for each in test.decorator_list):
        raise RowError(f"{where}: {test.name} is skipped or fails, and so proves no row")
    arguments = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    texts = [value.strip() for value in arguments if isinstance(value, str) and value.strip()]
    if len(texts) != _ARGUMENTS[marker] or len(call.args) != len(texts) or call.keywords:
        raise RowError(f"{where}: {marker} takes {_ARGUMENTS[marker]} literal strings")
    framework, what, *reason = texts
    if framework not in FRAMEWORKS:
        raise RowError(f"{where}: {framework!r} is not one of {', '.join(FRAMEWORKS)}")
    return FrameworkRow(framework, what, reason[0] if reason else None, name)
