"""Links between the pages are valid, and the README promises what the demo proves."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT
from tools.demo.promises import PROMISES

if TYPE_CHECKING:
    from pathlib import Path

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
HEADING = re.compile(r"^#{1,6} (.+?)#*$", re.MULTILINE)


def _pages() -> list[str]:
    """Return the Markdown files of the repository."""
    found = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("*/README.md"), *CHECKOUT.glob("examples/**/*.md")]
    found += CHECKOUT.glob("docs/**/*.md")
    return sorted({str(page.relative_to(CHECKOUT)) for page in found})


@cache
def _prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text())


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Return GitHub's anchors of a page's headings; a second heading with the same name gets `-1`."""
    found: list[str] = []
    for heading in HEADING.findall(_prose(page)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(anchor)
    return frozenset(
        anchor if not (before := found[:place].count(anchor)) else f"{anchor}-{before}"
        for place, anchor in enumerate(found)
    )


def _broken(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    broken = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", _prose(page))):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", _pages())
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: str) -> None:
    assert _broken(CHECKOUT / page) == []


def test_a_link_to_no_heading_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n[x](b.md#two) [y](b.md#three) [z](c.md) [w](#one)\n")
    (tmp_path / "b.md").write_text("## Two\n```\n# Three\n```\n")
    assert _broken(tmp_path / "a.md") == ["b.md#three", "c.md"]


def test_every_question_has_a_link_to_its_answer() -> None:
    page = CHECKOUT / "docs" / "operations" / "faq.md"
    questions = re.split(r"^(?=\d+\. |- )", page.read_text(), flags=re.MULTILINE)[1:]
    numbers = [int(number[0]) for each in questions if (number := re.match(r"\d+", each))]
    assert numbers == [*range(1, 29)]
    assert [each for each in questions if "?" not in each or not LINK.search(each)] == []


def test_the_readme_promises_what_the_demo_proves() -> None:
    promised = [
        line.removeprefix("- ").removesuffix(".") for line in _lines("README.md") if line.startswith("- ")
    ]
    assert promised == [promise.sentence for promise in PROMISES]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_folders_that_a_readme_names_are_there(page: str) -> None:
    named = [
        path for line in _lines(page) if line.startswith("| `") for path in re.findall(r"`([\w./]+/)`", line)
    ]
    assert len(named) > 12
    assert [path for path in named if not (CHECKOUT / path).is_dir()] == []


def test_both_readmes_show_the_same_commands_and_figures() -> None:
    english, chinese = ((CHECKOUT / name).read_text() for name in ("README.md", "README.zh.md"))
    assert re.findall(r"^(?:make|curl) .*?(?:  |$)", english, re.MULTILINE) == re.findall(
        r"^(?:make|curl) .*?(?:  |$)", chinese, re.MULTILINE
    )
    figures = [re.findall(r"\d[\d,]*\.\d+|\d+,\d{3}", text) for text in (english, chinese)]
    assert figures[0] == figures[1]


def _lines(page: str) -> list[str]:
    return (CHECKOUT / page).read_text().splitlines()
