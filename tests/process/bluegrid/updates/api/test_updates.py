"""A request becomes a version, whole and verified, or a reason why not."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from bluegrid_registry import ModelSet
from tests.support.skops_files import skops_file
from tests.support.updating import archive, batch, content_digest, digest, ended, upload

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


RETRAINED = skops_file("model 1, retrained")


def test_one_model_of_a_version_is_replaced_in_the_next_one(client: httpx.Client, place: Place) -> None:
    path = "/modelSets/g1/versions/v1/models/line-1"
    update = ended(client, client.put(path, content=RETRAINED, headers=content_digest(RETRAINED)))
    assert (update["state"], update["version"], update["author"]) == ("done", "v2", "training")
    assert (update["result"]["models"], update["result"]["sent_models"]) == (3, 1)
    assert place.models("v2") == place.models("v1") | {"line-1": RETRAINED}


def test_a_batch_becomes_a_whole_version_with_the_id_that_was_given(
    client: httpx.Client, place: Place
) -> None:
    models = {f"bus-{number}": skops_file(f"bus {number}") for number in range(20)}
    body = {"version": "2026-11", "batch": upload(client, batch(models))}
    assert ended(client, client.post("/modelSets/g1/updates", json=body))["state"] == "done"
    assert place.models("2026-11") == models


def test_several_models_change_and_others_are_left_out_in_one_request(
    client: httpx.Client, place: Place
) -> None:
    new = {"line-0": skops_file("new 0"), "line-9": skops_file("new 9")}
    body = {
        "base": "v1",
        "models": {uid: upload(client, data) for uid, data in new.items()},
        "without": ["line-2"],
    }
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert update["state"] == "done"
    kept = place.models("v1")["line-1"]
    assert place.models(update["version"]) == new | {"line-1": kept}


def test_models_that_lie_in_the_store_become_a_version(client: httpx.Client, place: Place) -> None:
    folder = place.folder / "store" / "incoming" / "nightly" / "2026-11-26"
    folder.mkdir(parents=True)
    (folder / "line-1.skops").write_bytes(RETRAINED)
    body = {"base": "v1", "path": "nightly/2026-11-26"}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert (update["state"], update["result"]["sent_models"]) == ("done", 1)
    assert place.models("v2")["line-1"] == RETRAINED
    empty = ended(client, client.post("/modelSets/g1/updates", json={"path": "weekly"}))
    assert empty["state"] == "failed"
    assert (folder / "line-1.skops").exists()


@pytest.mark.parametrize("uid", ["feeder/7", "江苏/1号", "a//b", "100%2F", "a?b#c"])
def test_a_model_whose_uid_is_a_path_is_updated_and_has_a_history(
    client: httpx.Client, place: Place, uid: str
) -> None:
    path = f"/modelSets/g1/versions/v1/models/{quote(uid, safe='')}"
    done = ended(client, client.put(path, content=RETRAINED, headers=content_digest(RETRAINED)))
    assert place.models(done["version"])[uid] == RETRAINED
    history = client.get(f"/modelSets/g1/models/{quote(uid, safe='')}").json()
    assert [row["change"] for row in history] == ["added", "absent"]
    assert client.get("/modelSets/g1/models", params={"uid": uid}).json() == history


def test_a_file_that_is_no_model_fails_the_update_unless_the_set_ignores_it(
    client: httpx.Client, place: Place
) -> None:
    files = {"line-1.skops": RETRAINED, "line-2.onnx": b"of another type", "logs/train.log": b"trained"}
    folder = place.folder / "store" / "incoming" / "nightly" / "logs"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder.parent / name).write_bytes(data)
    origins = ({"batch": upload(client, archive(files))}, {"path": "nightly"})
    for origin in origins:
        update = ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", **origin}))
        assert update["state"] == "failed"
        assert "not taken: line-2.onnx, logs/train.log; " in update["error"]
    assert place.versions() == ["v1"]
    place.ignore("*.log", "line-2.onnx")
    for origin in origins:
        update = ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", **origin}))
        assert (update["state"], update["result"]["models"]) == ("done", 3)
        assert place.models(update["version"])["line-1"] == RETRAINED


@pytest.mark.parametrize("path", ["../sets", "/etc", "a//b", "a/./b", "a/..", "", "a/", ".a", "a\n"])
def test_nothing_but_what_is_incoming_is_taken_from_the_store(client: httpx.Client, path: str) -> None:
    refused = client.post("/modelSets/g1/updates", json={"path": path})
    assert refused.status_code == 400
    assert "path" in refused.json()["error"]


def test_a_body_with_another_digest_than_it_names_is_not_kept(client: httpx.Client, place: Place) -> None:
    path = "/modelSets/g1/versions/v1/models/line-1"
    refused = client.put(path, content=RETRAINED + b"!", headers=content_digest(RETRAINED))
    assert refused.status_code == 400
    assert refused.json()["error"].endswith(f"not {digest(RETRAINED)}; send it again")
    assert client.get("/updates").json() == []
    assert list((place.folder / "state" / "uploads").iterdir()) == []


def test_a_body_is_hashed_although_its_digest_was_sent_before(client: httpx.Client, place: Place) -> None:
    theirs = skops_file("model 2, retrained")
    assert client.put(f"/uploads/{digest(theirs)}", content=theirs).status_code == 201
    assert client.put(f"/uploads/{digest(theirs)}", content=theirs).status_code == 200
    path = "/modelSets/g1/versions/v1/models/line-1"
    refused = client.put(path, content=RETRAINED, headers=content_digest(theirs))
    assert refused.status_code == 400
    assert refused.json()["error"] == (
        f"the body's digest is {digest(RETRAINED)}, not {digest(theirs)}; send it again"
    )
    assert client.put(f"/uploads/{digest(theirs)}", content=RETRAINED).status_code == 400
    assert client.get("/updates").json() == []
    # The earlier models are unchanged.
    done = ended(client, client.put(path, content=theirs, headers=content_digest(theirs)))
    assert place.models(done["version"])["line-1"] == theirs


def test_an_upload_that_is_not_there_is_named(client: httpx.Client) -> None:
    refused = client.post("/modelSets/g1/updates", json={"batch": digest(b"never sent")})
    assert refused.status_code == 404
    assert f"PUT /uploads/{digest(b'never sent')}" in refused.json()["error"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "names no models"),
        ({"without": ["line-1"], "models": {"a": digest(b"")}}, "without names models of a version"),
        ({"models": {"a\nb": digest(b"")}}, "not of printable characters"),
        ({"version": "../v2", "batch": digest(b"")}, "is not an ID"),
        ({"batch": "sha256:abc"}, "is not a digest"),
        ({"batch": digest(b""), "colour": "red"}, "colour"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_the_place(
    client: httpx.Client, body: dict[str, object], reason: str
) -> None:
    refused = client.post("/modelSets/g1/updates", json=body)
    assert refused.status_code == 400
    assert reason in refused.json()["error"]


def test_a_version_that_is_taken_is_not_replaced(client: httpx.Client, place: Place) -> None:
    before = place.models("v1")
    body = {"version": "v1", "models": {"line-1": upload(client, RETRAINED)}}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert update["state"] == "failed"
    assert "v1" in update["error"]
    assert place.models("v1") == before


@pytest.mark.parametrize(
    ("features", "has_classes", "fault"),
    [
        (5, False, "line-1 takes 5 features, and that of v2 3"),
        (3, True, "line-1 answers with classes, and that of v2 with numbers"),
    ],
)
def test_a_model_that_takes_or_gives_something_else_than_the_bases_needs_a_word(
    client: httpx.Client, features: int, has_classes: bool, fault: str
) -> None:
    def requested(data: bytes, **more: object) -> dict[str, Any]:
        body = {"base": "v1", "models": {"line-1": upload(client, data)}, **more}
        return ended(client, client.post("/modelSets/g1/updates", json=body))

    assert requested(skops_file("fitted", 3))["version"] == "v2"
    other = skops_file("another", features, has_classes=has_classes)
    refused = requested(other, base="v2")
    assert (refused["state"], refused["version"]) == ("failed", None)
    assert fault in refused["error"]
    # Without a base it is compared with the newest version.
    assert fault in requested(other, base=None)["error"]
    allowed = requested(other, base="v2", incompatible=True)
    assert (allowed["state"], allowed["wanted"]["incompatible"]) == ("done", True)
    assert requested(skops_file("retrained", 3), base="v2")["state"] == "done"


def test_where_the_bytes_do_not_tell_the_recorded_examples_do(client: httpx.Client) -> None:
    def requested(width: int, base: str) -> dict[str, Any]:
        example = {"line-1": {"inputs": [[1.0] * width], "outputs": [2.0]}}
        files = {"line-1.skops": skops_file(f"{width}"), "examples.json": json.dumps(example).encode()}
        body = {"base": base, "batch": upload(client, archive(files))}
        return ended(client, client.post("/modelSets/g1/updates", json=body))

    assert requested(3, "v1")["version"] == "v2"
    assert "line-1 takes 4 features, and that of v2 3" in requested(4, "v2")["error"]


def test_where_examples_have_several_inputs_their_names_must_stay(client: httpx.Client) -> None:
    def requested(names: list[str], base: str, **more: Any) -> dict[str, Any]:
        tensors = [{"name": name, "shape": [1], "datatype": "FP64", "data": [1.0]} for name in names]
        example = {"request": {"inputs": tensors}, "response": {"outputs": tensors[:1]}}
        files = {
            "line-1.skops": skops_file(f"{names}"),
            "examples.json": json.dumps({"line-1": [example]}).encode(),
        }
        body = {"base": base, "batch": upload(client, archive(files)), **more}
        return ended(client, client.post("/modelSets/g1/updates", json=body))

    assert requested(["wind", "load"], "v1")["version"] == "v2"
    refused = requested(["wind", "{hour}"], "v2")
    assert "line-1 takes the inputs wind, {hour}, and that of v2 load, wind; clients ask" in refused["error"]
    assert requested(["load", "wind"], "v2")["state"] == "done"
    assert requested(["wind", "{hour}"], "v2", incompatible=True)["state"] == "done"


def test_a_base_that_is_not_there_is_refused_at_once(client: httpx.Client) -> None:
    refused = client.post("/modelSets/g1/updates", json={"base": "v9", "without": ["line-1"]})
    assert (refused.status_code, refused.json()["error"]) == (404, "set g1 has no version v9; declared: v1")
    assert client.get("/updates").json() == []


def test_a_model_to_leave_out_that_the_base_has_not_is_refused_at_once(
    client: httpx.Client, place: Place
) -> None:
    body = {"base": "v1", "without": ["line-1", "bus-*"]}
    refused = client.post("/modelSets/g1/updates", json=body)
    assert refused.status_code == 404
    assert "set g1 version v1: no model is named 'bus-*'" in refused.json()["error"]
    assert client.get("/updates").json() == []
    # A missing store causes no refusal: the update waits for the store.
    aside = place.folder / "aside"
    (place.folder / "store").rename(aside)
    update = client.post("/modelSets/g1/updates", json=body)
    aside.rename(place.folder / "store")
    assert update.status_code == 202


def test_the_next_version_steps_over_one_that_somebody_else_has_just_published(
    client: httpx.Client, place: Place
) -> None:
    # In the store, and not yet in the registry.
    other = place.folder / "other"
    other.mkdir()
    text = (place.registry / "g1.yaml").read_text()
    (other / "g1.yaml").write_text(text)
    ModelSet.open("g1", other, place.store).push("v2", {"line-0": skops_file("theirs")})
    body = {"base": "v1", "models": {"line-1": upload(client, RETRAINED)}}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert (update["state"], update["version"]) == ("done", "v3")
    assert place.versions() == ["v1", "v3"]


def test_a_model_that_is_none_of_the_sets_fails_the_update_and_nothing_else(
    client: httpx.Client, place: Place
) -> None:
    body = {"base": "v1", "models": {"line-1": upload(client, b"no skops file")}}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert update["state"] == "failed"
    assert "line-1" in update["error"]
    assert place.versions() == ["v1"]
    after = ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", "without": ["line-1"]}))
    assert after["state"] == "done"


def archive_with(info: tarfile.TarInfo, data: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize(
    "data",
    [
        archive_with(tarfile.TarInfo("../../outside.skops"), RETRAINED),
        archive_with(link("line-1.skops", "/outside/mark")),
        batch({"line-1": RETRAINED})[:-20],
        gzip.decompress(batch({"line-1": RETRAINED})).rstrip(b"\0"),
        b"no archive",
    ],
    ids=["path", "link", "truncated", "cut off at the end of a model", "not an archive"],
)
def test_a_hostile_or_broken_batch_writes_nothing(client: httpx.Client, place: Place, data: bytes) -> None:
    body = {"batch": upload(client, data)}
    update = ended(client, client.post("/modelSets/g1/updates", json=body))
    assert update["state"] == "failed"
    assert update["error"].count("\n") == 0
    assert place.versions() == ["v1"]
    assert not list(place.folder.rglob("outside*"))
    assert list((place.folder / "state" / "scratch").iterdir()) == []


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", "without": ["line-1"]}))
    for path in ("/updates?limit=100", "/audit-events", "/modelSets", "/services"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    known = client.get("/updates").headers["ETag"]
    ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", "without": ["line-2"]}))
    changed = client.get("/updates", headers={"If-None-Match": known})
    assert (changed.status_code, len(changed.json())) == (200, 2)
