"""The operator's page in a real browser, on a real cluster: its views and its switches.

BLUEGRID_SCREENSHOTS=<folder> writes the pictures of the docs there.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cluster.regions import backend
from tests.cluster.updating import UpdateServer
from tests.support.browsing import chromium
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace
    from tools.load.report import LoadReport

RATE = 50
LONGEST = 900
NARROW = {"width": 360, "height": 740}
HOSTILE = "<img alt=mark>"
"""A name that becomes an element if a page takes it for markup."""
VIEWS = ("#/", f"#/services/{SERVICE}", "#/versions", "#/versions/g1", "#/updates", "#/audit")


@dataclass(frozen=True)
class Stands:
    """The live cluster, by YAML and by the Ingress."""

    declared: str
    routed: str

    @classmethod
    def now(cls, server: UpdateServer) -> Stands:
        return cls(server.declared().service(SERVICE).live_in(server.work.stack), backend(server.work))


@dataclass(frozen=True)
class Results:
    """An operator's night, and the state after each action."""

    refused: str
    """The page's text for a wrong token."""
    first: str
    """The text of all services."""
    previewed: str
    """The text of the dialog once the preview is there."""
    escaped: Stands
    switched: Stands
    chart: str
    """The chart's text for screen readers."""
    back: Stands
    resumed: Stands
    """After a switch whose server was killed."""
    watched: str
    """The text of all services, for a token with scope `read` only."""
    buttons: int
    """Number of switch buttons that this token sees."""
    audit: str
    subjects: list[str]
    problems: list[str]
    """Errors, dialogs and refused content that the browser reported."""
    strangers: int
    """Elements on any view that come from a hostile name."""
    wide: dict[str, int]
    """Views that are wider than a phone, with their width in px."""
    load: LoadReport
    preview: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(online: Callable[[str], Workspace]) -> Iterator[UpdateServer]:
    work = online("page")
    server = UpdateServer(work)
    text = (work.registry / "g1.yaml").read_text()
    assert "name: Line loading" in text
    server.commit(text.replace("name: Line loading", f'name: "{HOSTILE}"', 1))
    server.start()
    with server.client() as client:
        no_model = b"<b>no model</b>"
        digest = f"sha256:{hashlib.sha256(no_model).hexdigest()}"
        client.put(f"/uploads/{digest}", content=no_model).raise_for_status()
        wanted = {"base": "v1", "models": {HOSTILE: digest}}
        update = client.post("/modelSets/g1/updates", json=wanted).raise_for_status().headers["Location"]
    assert server.ended(update)["state"] == "failed"
    try:
        yield server
    finally:
        server.stop()
        server.declared()


@pytest.fixture(scope="module")
def observed(local: Local, server: UpdateServer, browser: Browser) -> Results:
    work, models = server.work, local.prepared.models
    report = work.state / "load.json"
    address, requests = work.place.route_url, models / "requests.json"
    with Load.start(address, SERVICE, requests, report, RATE, seconds=LONGEST, host=work.host) as load:
        night = _night(server, browser)
        result = load.stop()
    changes = [f"{change.op} {change.name}" for change in steps.preview(work)]
    return Results(**night, load=result, preview=changes, subjects=server.subjects())  # type: ignore[arg-type]


def _night(server: UpdateServer, browser: Browser) -> dict[str, object]:
    problems: list[str] = []
    page = _open(browser, server, problems)
    refused = _sign_in(page, "a guess").get_by_text("not known here").inner_text()
    _sign_in(page, server.operator)
    _cell(page).get_by_text("well").wait_for()
    first = page.get_by_role("table", name="What is live where").inner_text()

    page.get_by_role("link", name=SERVICE).click()
    page.get_by_role("button", name="Make d2 live in page").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[data-confirm]:enabled").wait_for(timeout=60_000)
    previewed = dialog.inner_text()
    _shoot(page, "operator-page-switch")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    escaped = Stands.now(server)

    _by_keyboard(page, "Make d2 live in page")
    dialog.locator("[data-confirm]:enabled").wait_for(timeout=60_000)
    _by_keyboard(page, "Switch page: d1 → d2")
    dialog.get_by_text("done").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    switched = Stands.now(server)
    page.locator("[data-cluster=d2][data-live=true]").wait_for()
    # Until the chart shows that the traffic has moved.
    chart = page.locator("[data-chart] svg[role=img]")
    page.wait_for_function(
        "() => /d1 0.*d2 [1-9]/.test(document.querySelector('[data-chart] svg').ariaLabel ?? "
        "document.querySelector('[data-chart] svg').getAttribute('aria-label'))"
    )
    label = str(chart.get_attribute("aria-label"))
    _shoot(page, "operator-page")

    page.get_by_role("button", name="Roll back to d1 in page").click()
    page.locator("[data-confirm]:enabled").click(timeout=60_000)
    dialog.get_by_text("done").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    back = Stands.now(server)
    resumed = _killed_in_a_switch(server)

    page.goto(f"{server.url}/#/audit")
    _sign_in(page, server.operator)
    audit = page.get_by_role("main")
    audit.get_by_text("d2").first.wait_for()
    refusal = audit.inner_text()
    wide, strangers = _on_a_phone(browser, server, problems)
    watched, buttons = _as_looker(browser, server, problems)
    return {
        "refused": refused,
        "first": first,
        "previewed": previewed,
        "escaped": escaped,
        "switched": switched,
        "chart": label,
        "back": back,
        "resumed": resumed,
        "watched": watched,
        "buttons": buttons,
        "audit": refusal,
        "problems": problems,
        "strangers": strangers,
        "wide": wide,
    }


def _open(browser: Browser, server: UpdateServer, problems: list[str], **options: object) -> Page:
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}).new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("console", lambda said: problems.append(said.text) if _is_a_fault(said) else None)
    page.goto(server.url)
    return page


def _is_a_fault(said: ConsoleMessage) -> bool:
    """Return whether a message is a fault: Chromium also logs refusals and lost connections."""
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text


def _sign_in(page: Page, token: str) -> Page:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    return page


def _cell(page: Page) -> Locator:
    return page.locator("[data-service] [data-region=page]")


def _by_keyboard(page: Page, name: str) -> None:
    """Move the focus to a button, and press it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement?.innerText ?? ''")
        if str(focused).startswith(name):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way by keyboard to {name}")


def _killed_in_a_switch(server: UpdateServer) -> Stands:
    """Request a switch, kill the server in the middle of it; return the state after the next server."""
    headers = {"Authorization": f"Bearer {server.operator}"}
    path = f"{server.url}/services/{SERVICE}/switches"
    switch = httpx.post(path, json={"cluster": "d2"}, headers=headers, trust_env=False).raise_for_status()
    location = switch.headers["Location"]
    server.wait(location, lambda found: (found["step"] or "").endswith("switching"))
    server.kill()
    server.start()
    ended = server.wait(location, lambda found: found["ended"] is not None)
    assert (ended["error"], ended["state"]) == (None, "done")
    return Stands.now(server)


def _on_a_phone(browser: Browser, server: UpdateServer, problems: list[str]) -> tuple[dict[str, int], int]:
    wide, strangers = {}, 0
    for scheme in ("dark", "light"):
        page = _open(browser, server, problems, viewport=NARROW, color_scheme=scheme)
        _sign_in(page, server.operator)
        for view in VIEWS:
            page.goto(f"{server.url}/{view}")
            page.get_by_role("main").get_by_role("heading", level=1).wait_for()
            page.wait_for_function("() => !document.querySelector('main').innerText.includes('Loading…')")
            if view == VIEWS[1]:
                page.locator("tr[data-cluster=d2]").wait_for()
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > NARROW["width"]:
                wide[f"{scheme} {view}"] = width
            strangers += page.locator("img, script:not([src])").count()
            if (scheme, view) == ("dark", VIEWS[1]):
                _shoot(page, "operator-page-phone")
        page.context.close()
    return wide, strangers


def _as_looker(browser: Browser, server: UpdateServer, problems: list[str]) -> tuple[str, int]:
    """Look at the page with a token that does not allow switches."""
    page = _open(browser, server, problems)
    _sign_in(page, server.training)
    _cell(page).get_by_text("well").wait_for()
    page.get_by_role("link", name=SERVICE).click()
    page.get_by_role("table", name="Clusters in page").locator("[data-cluster=d2]").wait_for()
    return page.get_by_role("main").inner_text(), page.locator("[data-switch-to]").count()


def _shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("BLUEGRID_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_wrong_token_is_refused_in_words(observed: Results) -> None:
    assert "this token is not known here" in observed.refused


def test_what_is_live_where_is_told_of_the_real_cluster(observed: Results) -> None:
    assert "d1 v1" in observed.first
    assert "req/s" in observed.first


def test_a_switch_is_previewed_and_escape_changes_nothing(observed: Results) -> None:
    assert "page: d1 → d2" in observed.previewed
    assert "switch d1 (v1) → d2 (v2)\nd1 stays warm" in observed.previewed
    assert observed.escaped == Stands("d1", "d1")


def test_a_switch_by_keyboard_is_made_and_seen_as_it_happens(observed: Results) -> None:
    assert observed.switched == Stands("d2", "d2")
    assert "Requests per second in page: d1 0" in observed.chart


def test_the_way_back_is_one_button(observed: Results) -> None:
    assert observed.back == Stands("d1", "d1")


def test_a_switch_whose_server_is_killed_is_made_by_the_next_one(observed: Results) -> None:
    assert observed.resumed == Stands("d2", "d2")


def test_everything_that_was_done_is_told_with_who_did_it(observed: Results) -> None:
    assert "operator" in observed.audit
    switches = [subject for subject in observed.subjects if subject.endswith("is live in page")]
    assert switches == [
        f"{SERVICE}: d2 is live in page",
        f"{SERVICE}: d1 is live in page",
        f"{SERVICE}: d2 is live in page",
    ]


def test_whoever_may_only_look_has_nothing_to_switch_with(observed: Results) -> None:
    assert "does not allow switching" in observed.watched
    assert observed.buttons == 0


def test_hostile_names_are_text_and_the_browser_has_nothing_to_complain_of(observed: Results) -> None:
    assert observed.problems == []
    assert observed.strangers == 0
    assert HOSTILE in observed.audit


def test_no_view_is_wider_than_a_phone(observed: Results) -> None:
    assert observed.wide == {}


def test_nobody_noticed_and_everything_is_as_declared(observed: Results) -> None:
    assert observed.load.failed_total == 0, observed.load.failures
    assert {*observed.load.by_version} == {"v1", "v2"}
    assert observed.preview == []
