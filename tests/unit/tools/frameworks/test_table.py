"""The table of the frameworks: made from the markers of the tests, and up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_server.frameworks import supported
from tests.support.checkout import CHECKOUT
from tools.frameworks.rows import FRAMEWORKS, FrameworkRow, RowError, read_rows, rows_of
from tools.frameworks.table import COMMAND, PAGE, page_with, table

if TYPE_CHECKING:
    from pathlib import Path

MARKED = """
CASES = [pytest.param(1, marks=pytest.mark.served("XGBoost", "dart"))]

@pytest.mark.served("ONNX", "sequences")
@pytest.mark.not_served("ONNX", "weights in a file", "one file is one model; "
                        "export with all tensors inside")
def test_a() -> None: ...

@pytest.mark.parametrize("case", CASES)
def test_b(case: int) -> None: ...
"""


def test_the_page_of_the_frameworks_is_up_to_date() -> None:
    page = (CHECKOUT / PAGE).read_text()
    assert page == page_with(page, read_rows(CHECKOUT)), f"run: {COMMAND}"


def test_every_supported_framework_has_a_row() -> None:
    named = {row.framework.lower() for row in read_rows(CHECKOUT) if row.reason is None}
    assert named >= {*supported.FRAMEWORKS}


def test_each_marker_of_a_test_is_a_row() -> None:
    assert [*rows_of(MARKED, "a.py")] == [
        FrameworkRow("ONNX", "sequences", None, "a.py"),
        FrameworkRow(
            "ONNX", "weights in a file", "one file is one model; export with all tensors inside", "a.py"
        ),
        FrameworkRow("XGBoost", "dart", None, "a.py"),
    ]


@pytest.mark.parametrize(
    ("marker", "fault"),
    [
        ('@pytest.mark.served("XGboost", "dart")', "^a.py:1: 'XGboost' is not one of every framework, "),
        ('@pytest.mark.served("XGBoost")', "^a.py:1: served takes 2 literal strings"),
        ('@pytest.mark.served("XGBoost", WHAT)', "^a.py:1: served takes 2 literal strings"),
        ('@pytest.mark.not_served("XGBoost", "dart", "")', "^a.py:1: not_served takes 3 literal strings"),
    ],
)
def test_a_marker_that_is_no_row_is_named(marker: str, fault: str) -> None:
    with pytest.raises(RowError, match=fault):
        [*rows_of(f"{marker}\ndef test_a() -> None: ...\n", "a.py")]


@pytest.mark.parametrize("decorator", ["skip", "skipif(SYSTEM)", "xfail"])
def test_a_test_that_is_skipped_proves_no_row(decorator: str) -> None:
    source = f'@pytest.mark.served("XGBoost", "dart")\n@pytest.mark.{decorator}\ndef test_a() -> None: ...\n'
    with pytest.raises(RowError, match=r"^a.py:1: test_a is skipped or fails, and so proves no row$"):
        [*rows_of(source, "a.py")]


def test_a_marker_without_a_test_is_no_row() -> None:
    with pytest.raises(RowError, match=r"^a.py:1: the marker of a row is at no test"):
        [*rows_of('CASES = [pytest.mark.served("XGBoost", "dart")]\ndef test_a() -> None: ...\n', "a.py")]


def test_rows_are_by_framework_and_what_is_not_served_comes_last(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(MARKED)
    rows = read_rows(tmp_path)
    assert [(row.framework, row.reason is None) for row in rows] == [
        ("XGBoost", True),
        ("ONNX", True),
        ("ONNX", False),
    ]
    assert [FRAMEWORKS.index(row.framework) for row in rows] == sorted(
        FRAMEWORKS.index(row.framework) for row in rows
    )


def test_two_tests_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(MARKED)
    (tmp_path / "tests" / "test_b.py").write_text(
        '@pytest.mark.served("ONNX", "weights in a file")\ndef test_a() -> None: ...\n'
    )
    with pytest.raises(RowError, match=r"^tests/test_b.py: ONNX: 'weights in a file' .* tests/test_a.py$"):
        read_rows(tmp_path)


def test_the_table_says_yes_or_why_not_and_links_the_test() -> None:
    rows = [FrameworkRow("ONNX", "a|b", None, "tests/a.py"), FrameworkRow("ONNX", "c", "why", "tests/a.py")]
    assert table(rows).splitlines()[2:] == [
        r"| ONNX | a\|b | [yes](../../tests/a.py) |",
        "| ONNX | c | [no](../../tests/a.py): why |",
    ]


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^docs/guide/frameworks.md: expected the lines "):
        page_with("# Frameworks\n", [])
