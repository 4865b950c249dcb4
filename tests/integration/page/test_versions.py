"""The history of one model, whose UID may look like a path or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.integration.page.conftest import Opened


@pytest.mark.parametrize("uid", ["feeder/7", "..", "江苏//1号?a#b&c=%2F"])
def test_the_history_of_a_model_is_requested_by_its_uid_as_it_is(opened: Opened, uid: str) -> None:
    requested = []

    def answer(route: Route) -> None:
        requested.append(parse_qs(urlsplit(route.request.url).query)["uid"])
        made = {"version": "v1", "updated": "2026-11-22T08:00:00Z", "change": "added"}
        route.fulfill(json=[{**made, "sha256": "0" * 64, "bytes": 10}])

    page = opened("#/versions/g0")
    page.route("**/modelSets/g0/models?*", answer)
    page.get_by_label("History of one model, by its UID").fill(uid)
    page.get_by_role("button", name="Show its history").click()
    page.get_by_role("heading", name=f"Model {uid}").wait_for()
    page.get_by_text("added", exact=True).wait_for()
    assert requested == [[uid]]
