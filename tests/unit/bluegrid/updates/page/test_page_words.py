"""The page uses the names of the OpenAPI document for all words of the API, and spells out none of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from bluegrid.updates.jobs.audit_log import AuditAction
from bluegrid.updates.jobs.switch import SwitchState
from bluegrid.updates.jobs.update import UpdateState
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from bluegrid.updates.jobs.vocabulary import Vocabulary

PAGE = CHECKOUT / "bluegrid/updates/page"
SCRIPTS = "\n".join(path.read_text() for path in sorted(PAGE.rglob("*.js")))
WORDS: dict[str, type[Vocabulary]] = {
    "updateStates": UpdateState,
    "switchStates": SwitchState,
    "auditActions": AuditAction,
}


@pytest.mark.parametrize("variable", WORDS)
def test_a_table_of_the_page_has_a_row_for_every_word(variable: str) -> None:
    tables = re.findall(rf"\b{variable}\.table\(\{{\n(.*?)\n\}}\)", SCRIPTS, re.DOTALL)
    assert tables
    for table in tables:
        assert sorted(re.findall(r"^  (\w+):", table, re.MULTILINE)) == sorted(
            each.name for each in WORDS[variable]
        )


@pytest.mark.parametrize("variable", WORDS)
def test_the_page_takes_the_words_from_the_schema_of_that_name(variable: str) -> None:
    (schema,) = re.findall(rf'\b{variable} = new Vocabulary\("(\w+)"\)', SCRIPTS)
    assert schema == WORDS[variable].__name__


def test_single_words_that_the_page_asks_for_have_a_name() -> None:
    named = re.findall(r'\.(?:is\([\w.]+, |wordOf\()"(\w+)"', SCRIPTS)
    assert {"RUNNING", "DONE", "ROLLED_BACK"} <= {*named}
    known = {each.name for words in WORDS.values() for each in words}
    assert {*named} <= known


@pytest.mark.parametrize("words", WORDS.values())
def test_the_page_spells_no_word_that_is_not_an_ordinary_one(words: type[Vocabulary]) -> None:
    odd = [each.value for each in words if not each.value.isalpha()]
    assert odd
    assert [word for word in odd if re.search(f"[\"'`]{word}[\"'`]", SCRIPTS)] == []


@pytest.mark.parametrize("words", WORDS.values())
def test_the_document_has_the_names_of_the_words_in_their_order(words: type[Vocabulary]) -> None:
    schema = TypeAdapter(words).json_schema()
    assert schema["enum"] == [each.value for each in words]
    assert schema["x-enum-varnames"] == [each.name for each in words]
