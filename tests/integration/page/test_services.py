"""The operator's first view, and the way to a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.jobs.bad_versions import BadVersions
from bluegrid.updates.jobs.database import Database
from tests.integration.page.conftest import make_ill, names_shown, service_row

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.integration.page.conftest import Grid, Opened
    from tests.support.api_server import ApiServer


def test_what_is_not_well_comes_first_and_its_count_shows_nothing_else(
    opened: Opened, north: ApiServer
) -> None:
    make_ill(north, "service2", "d2", ready=1)
    page = opened()
    service_row(page, "service2").get_by_text("1 of 2 ready").wait_for()
    assert names_shown(page) == ["service2", "service0", "service1"]
    page.get_by_role("link", name="1 not well").click()
    page.wait_for_function("() => document.querySelectorAll('[data-service]').length === 1")
    assert names_shown(page) == ["service2"]
    page.get_by_role("link", name="1 not well; show all").click()
    service_row(page, "service0").wait_for()


def test_a_slash_goes_to_the_search_which_finds_sets_and_versions_too(opened: Opened) -> None:
    page = opened()
    service_row(page, "service0").get_by_text("well", exact=True).wait_for()
    page.keyboard.press("/")
    page.keyboard.type("G1")
    page.wait_for_function("() => document.querySelectorAll('[data-service]').length === 1")
    assert names_shown(page) == ["service1"]
    page.get_by_text("1 of 3 shown").wait_for()
    # In a text field, `/` is an ordinary character.
    page.keyboard.type("/")
    assert page.get_by_role("searchbox").input_value() == "G1/"


def test_a_switch_tells_which_versions_it_is_between_and_how_old_they_are(opened: Opened) -> None:
    page = opened("#/services/service0", timezone_id="UTC")
    page.route(
        "**/modelSets/g0/versions/v1/changes?since=v2",
        lambda route: route.fulfill(
            json={"since": "v2", "models": 186, "changed": ["a", "b"], "added": ["c"], "removed": []}
        ),
    )
    page.get_by_role("button", name="Roll back to d1 in north").click()
    words = page.get_by_role("dialog").locator("[data-versions='v2 v1']")
    words.get_by_text("3 models of 186 differ").wait_for()
    words.get_by_text("23 Nov 2026").wait_for()
    assert words.inner_text() == (
        "v2, made 23 Nov 2026, 08:00:00 → v1, made 22 Nov 2026, 08:00:00; 3 models of 186 differ"
    )


def have_traffic(page: Page, **rates: float) -> None:
    """Make the live clusters report this traffic."""

    def answer(route: Route) -> None:
        headers = {**route.request.headers}
        headers.pop("if-none-match", None)
        found = route.fetch(headers=headers)
        regions = found.json()
        for row in regions[0]["clusters"]:
            row.update(rates if row["live"] else {})
        route.fulfill(status=200, json=regions)

    page.route("**/status?*", answer)


@pytest.mark.parametrize(
    ("errors", "refused", "kind", "words"),
    [
        (0.1, 4.9, "well", "well"),
        (2, 0, "warn", "2.0 errors/s (4.0 %)"),
        (13, 0, "bad", "13.0 errors/s (26 %)"),
        (0, 13, "warn", "13.0 4xx/s (26 %)"),
    ],
)
def test_errors_are_judged_by_their_share(
    opened: Opened, errors: float, refused: float, kind: str, words: str
) -> None:
    page = opened()
    have_traffic(page, requests_per_second=50, errors_per_second=errors, refused_per_second=refused)
    cell = service_row(page, "service0").locator(f".cell.{kind}")
    cell.get_by_text("50.0 req/s").wait_for()
    cell.get_by_text(words, exact=True).wait_for()


@pytest.mark.parametrize("width", [360, 720, 768, 830, 1280])
def test_the_way_back_is_on_the_screen_at_any_width(opened: Opened, width: int) -> None:
    page = opened("#/services/service0", viewport={"width": width, "height": 740})
    button = page.get_by_role("button", name="Roll back to d1 in north")
    button.wait_for()
    page.get_by_role("cell", name="v2").first.wait_for()
    box = button.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 740
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_version_that_is_marked_bad_is_no_way_back_and_is_warned_of(grid: Grid, opened: Opened) -> None:
    marks = BadVersions(Database.open(grid.folder / "state" / "journal.sqlite"))
    marks.mark("g0", "v1", "anna", "every answer is NaN")
    page = opened("#/services/service0")
    page.get_by_text("v1 is marked bad: every answer is NaN (anna").wait_for()
    assert page.get_by_role("button", name="Roll back").count() == 0
    page.get_by_role("button", name="Make d1 live in north").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Its version is marked bad: every answer is NaN (anna").wait_for()
