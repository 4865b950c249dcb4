"""A token allows only its scopes, and oversized requests are refused."""

from __future__ import annotations

import gzip
import stat
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.serve import Listening
from bluegrid_registry import ConfigError
from tests.support.updating import digest

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


@pytest.mark.parametrize(
    "path", ["/modelSets", "/modelSets/g1/versions", "/updates", "/updates/1", "/audit-events"]
)
@pytest.mark.parametrize("header", [{"Authorization": ""}, {"Authorization": "Bearer guess"}])
def test_without_a_token_that_is_known_nothing_is_told(
    client: httpx.Client, path: str, header: dict[str, str]
) -> None:
    refused = client.get(path, headers=header)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_to_look_does_not_update(client: httpx.Client, place: Place) -> None:
    looker = place.headers("looker")
    assert client.get("/modelSets", headers=looker).json()[0]["id"] == "g1"
    for refused in (
        client.put(f"/uploads/{digest(b'x')}", content=b"x", headers=looker),
        client.post("/modelSets/g1/updates", json={"base": "v1", "without": ["line-1"]}, headers=looker),
        client.post("/updates/1/cancel", headers=looker),
    ):
        assert refused.status_code == 403
        assert refused.json()["error"] == "token looker has scope read; this needs update"
    assert list((place.folder / "state" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    ["/modelSets/g9", "/modelSets/g1/versions/v9/models", "/updates/99", "/nothing", "/modelSets/%2e%2e"],
)
def test_what_is_not_there_is_404_in_one_line(client: httpx.Client, path: str) -> None:
    missing = client.get(path)
    assert missing.status_code in (400, 404)
    assert "\n" not in missing.json()["error"]


def test_what_no_route_takes_is_named(client: httpx.Client) -> None:
    assert client.get("/nothing").json() == {"error": "GET /nothing: Not Found"}
    assert client.delete("/modelSets").json() == {"error": "DELETE /modelSets: Method Not Allowed"}


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    refused = client.post(
        "/modelSets/g1/updates",
        content=gzip.compress(b'{"base": "v1"}'),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert (refused.status_code, refused.headers["Accept-Encoding"]) == (415, "identity")
    assert refused.json()["error"].startswith("Content-Encoding: 'gzip' is not supported")


def test_an_offer_to_upgrade_is_declined_and_the_upload_behind_it_kept(
    client: httpx.Client, place: Place
) -> None:
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    for body in (b"retrained", b"x" * 3_000_000):
        sent = client.put(f"/uploads/{digest(body)}", content=body, headers=offer)
        assert sent.status_code == 201
        (kept,) = (place.folder / "state" / "uploads").glob(digest(body).removeprefix("sha256:"))
        assert kept.read_bytes() == body


def test_a_request_that_is_no_upload_is_bounded(client: httpx.Client) -> None:
    large = client.post("/modelSets/g1/updates", content=b" " * (5 * 2**20))
    assert large.status_code == 413
    unbounded = client.post("/modelSets/g1/updates", content=iter([b"{}"]))
    assert unbounded.status_code == 411


def test_the_servers_state_is_for_nobody_else(client: httpx.Client, place: Place) -> None:
    assert client.get("/healthz", headers={"Authorization": ""}).status_code == 200
    mode = (place.folder / "state").stat().st_mode
    assert not mode & (stat.S_IRWXG | stat.S_IRWXO)


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with Listening("127.0.0.1", 0).listener() as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            Listening("127.0.0.1", port).listener()
    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "choose another --port, or end what listens there"
    )
