"""The page's text for regions and objects that do not answer, are missing, or do not exist yet."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from tests.integration.page.conftest import all_well, make_grid, make_ill, service_row
from tests.support.api_server import ApiServer
from tools.toolchain import programs_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.page.conftest import Grid, Opened


class Hanging(ApiServer):
    """An API server that does not answer while it hangs."""

    def __init__(self) -> None:
        super().__init__(all_well())
        self.goes_on = threading.Event()
        self.goes_on.set()

    def answer(self, path: str, query: dict[str, list[str]], sent: bytes) -> tuple[int, str]:
        self.goes_on.wait(60)
        return super().answer(path, query, sent)


@pytest.fixture
def south() -> Iterator[Hanging]:
    with Hanging() as api:
        yield api
        api.goes_on.set()


@pytest.fixture
def grid(tmp_path: Path, north: ApiServer, south: Hanging, monkeypatch: pytest.MonkeyPatch) -> Grid:
    """The services run in two regions, without stacks."""
    (tmp_path / "backend").mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join((str(programs_dir()), os.environ["PATH"])))
    if shutil.which("pulumi") is None:
        pytest.fail("pulumi is not on PATH; `make test` obtains it", pytrace=False)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'backend'}")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    return make_grid(tmp_path, {"north": north, "south": south})


def test_a_region_that_hangs_is_told_as_such_and_the_other_one_is_fresh(
    opened: Opened, south: Hanging
) -> None:
    south.goes_on.clear()
    page = opened()
    row = service_row(page, "service0")
    row.locator("[data-region=north]").get_by_text("well", exact=True).wait_for(timeout=8_000)
    row.locator("[data-region=south]").get_by_text("no answer for").wait_for()
    page.get_by_text("south: no answer for").wait_for()
    south.goes_on.set()
    row.locator("[data-region=south]").get_by_text("well", exact=True).wait_for()


def test_an_outage_is_never_no_errors(opened: Opened, north: ApiServer) -> None:
    make_ill(north, "service0", "d2", ready=0)
    page = opened()
    cell = service_row(page, "service0").locator("[data-region=north]")
    cell.locator(".mark.bad").get_by_text("nobody answers").wait_for()
    page.get_by_role("link", name="service0").click()
    region = page.locator("section[data-region=north]")
    region.get_by_text("live cluster d2 has 0 of 2 pods ready").wait_for()
    region.locator(".error-label .bad").get_by_text("nobody answers").wait_for()
    assert "no errors" not in region.inner_text()
    other = page.locator("section[data-region=south]")
    other.locator(".error-label").get_by_text("no errors").wait_for()


def test_what_was_never_applied_is_told_in_a_neutral_colour_and_cannot_be_switched(
    opened: Opened, north: ApiServer
) -> None:
    for kind, found in north.kinds.items():
        north.kinds[kind] = [
            each for each in found if each["metadata"]["labels"]["bluegrid.io/service"] != "service0"
        ]
    page = opened()
    cell = service_row(page, "service0").locator("[data-region=north]")
    cell.locator(".mark.info").get_by_text("not applied yet: pulumi up --stack north").wait_for()
    page.get_by_role("link", name="service0").click()
    page.get_by_role("button", name="Roll back to d1 in south").wait_for()
    region = page.locator("section[data-region=north]")
    region.get_by_text("pulumi up --stack north").first.wait_for()
    assert region.get_by_role("button").count() == 0
    assert page.get_by_role("button", name="in all regions").count() == 0


def test_all_times_are_told_in_one_zone(opened: Opened) -> None:
    page = opened("#/services/service0", timezone_id="Asia/Shanghai")
    main = page.get_by_role("main")
    main.get_by_text("times in Asia/Shanghai").wait_for()
    until = main.locator("section.region time").first
    until.wait_for()
    committed = str(until.get_attribute("datetime"))
    clock = "iso => new Date(iso).toLocaleTimeString('en-GB', {timeZone: '%s'})"
    assert page.evaluate(clock % "Asia/Shanghai", committed) in until.inner_text()
    main.get_by_role("button", name="Show UTC").click()
    main.get_by_text("times in UTC").wait_for()
    for each in main.locator("time").all():
        assert page.evaluate(clock % "UTC", each.get_attribute("datetime")) in each.inner_text()
        assert str(each.get_attribute("title")).endswith(" UTC")
    page.reload()
    main.get_by_text("times in UTC").wait_for()
