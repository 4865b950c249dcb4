"""The UID in a URL: percent-encoded, or with slashes as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from bluegrid_registry import SourceModel, open_store, push
from bluegrid_server.http.model_route import ModelPath, model_path
from bluegrid_server.http.routes import make_admin_app, make_app
from tests.support.pods import BASE, SKOPS, Client, InProcess, tensor

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings
    from tests.support.pods import Trained

UIDS = (
    *("江苏.东善桥/500kV.1号主变", "mv_feeder/OS Edam", "_f1769b30-9aeb-11e5-91da-b8763fd99c5f", "a\\b"),
    *(".", "..", "../a", ".hidden", "100%", "%2F", "a?b#c", "a//b", "/a/", "*", "[x]", "a+b c&d=e"),
    *("a/infer", "a/ready", "a/versions/v1", "a/versions/v1/infer", "infer", "ready", "versions", "a/load"),
)
OPERATIONS = ("/infer", "/ready", "")


@pytest.fixture
def of_paths(settings: Settings, trained: Trained) -> Settings:
    """A version whose models' UIDs look like paths and URLs."""
    data = (trained.folder / "line-1.skops").read_bytes()
    models = [SourceModel(uid, data) for uid in UIDS]
    report = push(open_store(settings.store), "g1", "v2", models, model_type=SKOPS)
    return settings.model_copy(update={"version": "v2", "manifest": report.manifest})


def encoded(uid: str) -> str:
    # httpx would resolve dots.
    return quote(uid, safe="").replace(".", "%2E")


def test_every_uid_is_answered_in_urls_and_in_bodies(of_paths: Settings) -> None:
    models = InProcess(of_paths)
    models.start()
    client, admin = Client(make_app(of_paths, models)), Client(make_admin_app(of_paths, models))
    assert client.get(f"{BASE}/models").json() == {"models": sorted(UIDS)}
    for uid in UIDS:
        for path in (f"{BASE}/models/{encoded(uid)}", f"{BASE}/models/{encoded(uid)}/versions/v2"):
            assert client.get(path).json()["name"] == uid
            assert client.get(f"{path}/ready").json() == {"name": uid, "ready": True}
            assert client.post(f"{path}/infer", json=tensor()).json()["model_name"] == uid
        batch = {"requests": [{"model_name": uid, **tensor()}]}
        (answer,) = client.post(f"{BASE}/models:batchInfer", json=batch).json()["responses"]
        assert answer["model_name"] == uid
        simple = {"model": uid, "instances": [[1.0, 2.0, 3.0]]}
        assert client.post("/modelService/line-loading/predict", json=simple).status_code == 200
        for operation in ("unload", "load"):
            path = f"/v2/repository/models/{encoded(uid)}/{operation}"
            assert admin.post(path).status_code == 200
            assert client.get(f"{BASE}/models/{encoded(uid)}/ready").json()["ready"] is (operation == "load")


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        (b"a", ("a", None, "")),
        (b"a/infer", ("a", None, "/infer")),
        (b"a%2Fb/infer", ("a/b", None, "/infer")),
        (b"a/b/infer", ("a/b", None, "/infer")),
        (b"a//b/ready", ("a//b", None, "/ready")),
        (b"a/b%2Fc/versions/v1", ("a/b/c", "v1", "")),
        (b"a/versions/v%31/infer", ("a", "v1", "/infer")),
        (b"a/versions/v1/versions/v2/ready", ("a/versions/v1", "v2", "/ready")),
        (b"a%2Fversions%2Fv1/infer", ("a/versions/v1", None, "/infer")),
        (b"a/infer/infer", ("a/infer", None, "/infer")),
        (b"a%2Finfer", ("a/infer", None, "")),
        (b"infer", ("infer", None, "")),
        (b"versions/v1", ("versions/v1", None, "")),
        (b"a/versions", ("a/versions", None, "")),
        (b"%252F/infer", ("%2F", None, "/infer")),
        (b"%2Fa%2F/infer", ("/a/", None, "/infer")),
        (b"%FF/infer", ("\ufffd", None, "/infer")),
        (b"", None),
        (b"/infer", None),
        (b"/a/infer", None),
        (b"a/", None),
        (b"a//infer", None),
        (b"a/infer/", None),
        (b"/versions/v1", None),
    ],
)
def test_the_end_of_a_path_is_read_first(rest: bytes, path: tuple[str, str | None, str] | None) -> None:
    found = model_path(rest, OPERATIONS, has_versions=True)
    assert found == (ModelPath(*path) if path else None)


def test_a_path_without_versions_ends_with_its_operation() -> None:
    found = model_path(b"a/versions/v1/load", ("/load", "/unload"), has_versions=False)
    assert found == ModelPath("a/versions/v1", None, "/load")
    found = model_path(b"a/unload", ("/load", "/unload"), has_versions=False)
    assert found == ModelPath("a", None, "/unload")


def test_another_version_of_a_model_in_a_folder_is_told(served: Client) -> None:
    got = served.get(f"{BASE}/models/a/b/versions/v9")
    assert (got.status_code, got.json()) == (
        404,
        {"error": "no version 'v9' here; this cluster serves v1"},
    )
