"""A browser session allows what its token allows, and other sites cannot use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from ruamel.yaml import YAML

from bluegrid.updates.api.session_store import COOKIE, CSRF_HEADER
from bluegrid.updates.api.tokens import Scope, new_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.updating import Place
CHANGES = [("POST", "/updates/1/cancel"), ("DELETE", "/session")]


@pytest.fixture
def browser(client: httpx.Client) -> Iterator[httpx.Client]:
    """A client that sends no token, and keeps cookies."""
    with httpx.Client(base_url=client.base_url, timeout=30) as browser:
        yield browser


def sign_in(browser: httpx.Client, place: Place, name: str) -> str:
    """Sign in, and return the session's CSRF token."""
    answer = browser.post("/session", json={"token": place.tokens[name]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["csrf"])


def test_who_has_signed_in_is_told_and_may_look(browser: httpx.Client, place: Place) -> None:
    assert browser.get("/modelSets").status_code == 401
    sign_in(browser, place, "looker")
    who = browser.get("/session").json()
    assert (who["name"], who["scopes"]) == ("looker", ["read"])
    assert browser.get("/modelSets").json()[0]["id"] == "g1"


def test_the_cookie_is_for_the_page_alone(browser: httpx.Client, place: Place) -> None:
    answer = browser.post("/session", json={"token": place.tokens["looker"]})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert place.tokens["looker"] not in cookie
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("token", ["guess", "", " "])
def test_a_wrong_token_does_not_sign_in(browser: httpx.Client, token: str) -> None:
    refused = browser.post("/session", json={"token": token})
    assert refused.status_code in (400, 401)
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_another_site_cannot_change_anything(
    browser: httpx.Client, place: Place, method: str, path: str
) -> None:
    """The browser sends the cookie, but not the session's CSRF token."""
    sign_in(browser, place, "training")
    with httpx.Client(base_url=browser.base_url) as other:
        of_other = sign_in(other, place, "training")
    for headers in ({}, {CSRF_HEADER: "guess"}, {CSRF_HEADER: of_other}, {CSRF_HEADER: "é".encode()}):
        refused = browser.request(method, path, headers=headers)  # type: ignore[arg-type]
        assert refused.status_code == 403
        assert refused.json()["error"] == "not from the page: X-CSRF-Token is not the session's"
    assert browser.get("/session").status_code == 200


def test_the_page_itself_may_within_its_scopes(browser: httpx.Client, place: Place) -> None:
    csrf = {CSRF_HEADER: sign_in(browser, place, "training")}
    assert browser.post("/updates/1/cancel", headers=csrf).status_code == 404
    csrf = {CSRF_HEADER: sign_in(browser, place, "looker")}
    refused = browser.post("/updates/1/cancel", headers=csrf)
    assert (refused.status_code, refused.json()["error"]) == (
        403,
        "token looker has scope read; this needs update",
    )


def test_a_form_of_another_site_does_not_sign_anybody_in(browser: httpx.Client, place: Place) -> None:
    """A form cannot send JSON."""
    text = f'{{"token": "{place.tokens["looker"]}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert browser.post("/session", content=text, headers={"Content-Type": kind}).status_code == 400
    assert COOKIE not in browser.cookies


def test_whoever_has_signed_out_is_out(browser: httpx.Client, place: Place) -> None:
    csrf = {CSRF_HEADER: sign_in(browser, place, "looker")}
    secret = browser.cookies[COOKIE]
    assert browser.delete("/session", headers=csrf).status_code == 204
    browser.cookies.set(COOKIE, secret)
    assert browser.get("/modelSets").status_code == 401


def rewrite(place: Place, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change the rows of the tokens' file; None removes a row."""
    file, yaml = place.folder / "tokens.yaml", YAML()
    rows = [change(dict(row)) for row in yaml.load(file)]
    yaml.dump([row for row in rows if row is not None], file)


def test_a_token_that_is_taken_out_of_the_file_ends_with_its_sessions_at_once(
    browser: httpx.Client, place: Place
) -> None:
    sign_in(browser, place, "looker")
    looker = place.headers("looker")
    assert browser.get("/modelSets").status_code == 200
    rewrite(place, lambda row: None if row["name"] == "looker" else row)
    assert browser.get("/modelSets").status_code == 401
    assert browser.get("/session").status_code == 401
    assert httpx.get(f"{browser.base_url}/modelSets", headers=looker).status_code == 401
    assert httpx.get(f"{browser.base_url}/modelSets", headers=place.headers("training")).status_code == 200


def test_a_token_that_is_replaced_ends_the_sessions_of_the_old_one(
    browser: httpx.Client, place: Place
) -> None:
    sign_in(browser, place, "looker")
    secret, token = new_token("looker", [Scope.READ])
    rewrite(place, lambda row: token.model_dump(mode="json") if row["name"] == "looker" else row)
    assert browser.get("/modelSets").status_code == 401
    renewed = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{browser.base_url}/modelSets", headers=renewed).status_code == 200


def test_a_mistake_in_the_file_of_tokens_keeps_nobody_out(browser: httpx.Client, place: Place) -> None:
    sign_in(browser, place, "looker")
    (place.folder / "tokens.yaml").write_text("- {name: looker")
    assert browser.get("/modelSets").status_code == 200


@pytest.mark.parametrize("path", ["/", "/page/style/base.css", "/page/main.js", "/modelSets"])
def test_a_browser_runs_nothing_but_the_pages_own_files(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/page/../tokens.py", "/page/%2e%2e/tokens.py", "/page/%2Foutside"])
def test_the_page_has_no_other_files(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404
