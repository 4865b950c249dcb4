"""The rows as a table of Markdown, between two comments of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.frameworks.rows import FrameworkRow

PAGE = "docs/guide/frameworks.md"
COMMAND = "python -m tools.frameworks"

_BEGIN = f"<!-- Table by `{COMMAND}`, from the markers of the tests. -->"
_END = "<!-- End of the table. -->"
_TO_CHECKOUT = "../.."


def page_with(page: str, rows: Iterable[FrameworkRow]) -> str:
    """Return the page with the table of these rows.

    Raises:
        ValueError: the page does not have the two comments that surround the table.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{PAGE}: expected the lines {_BEGIN!r} and {_END!r}")
    return f"{before}{_BEGIN}\n\n{table(rows)}\n{_END}{after}"


def table(rows: Iterable[FrameworkRow]) -> str:
    """Return the rows as a table; each answer is a link to its test."""
    lines = ["| framework | models, requests and answers | served |", "| --- | --- | --- |"]
    lines += [f"| {row.framework} | {_cell(row.what)} | {_answer(row)} |" for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _answer(row: FrameworkRow) -> str:
    link = f"({_TO_CHECKOUT}/{row.test})"
    return f"[yes]{link}" if row.reason is None else f"[no]{link}: {_cell(row.reason)}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
