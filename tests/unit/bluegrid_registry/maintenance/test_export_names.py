"""Paths of exported models are readable, stay in their folder, and never meet."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_registry.maintenance.export_names import MAX_NAME, export_paths
from bluegrid_registry.names import check_uid

RESERVED = {"model.sig", "examples.json"}


def path_of(uid: str) -> str:
    return export_paths([uid], "skops", RESERVED)[uid]


@pytest.mark.parametrize(
    ("uid", "path"),
    [
        ("line-17", "line-17.skops"),
        ("江苏.东善桥/500kV.1号主变", "江苏.东善桥/500kV.1号主变.skops"),
        ("mv_feeder/OS Edam", "mv_feeder/OS Edam.skops"),
        ("100%", "100%25.skops"),
        ("%2F", "%252F.skops"),
        ("a\\b", "a%5Cb.skops"),
        ("C:x", "C%3Ax.skops"),
        ("a//b", "a%2F%2Fb.skops"),
        ("/a/b/", "%2Fa/b%2F.skops"),
        ("/", "%2F.skops"),
        ("..", "%2E%2E.skops"),
        ("../../x", "%2E%2E/%2E%2E/x.skops"),
        ("a/ b. /c", "a/%20b%2E%20/c.skops"),
        (".git/x", "%2Egit/x.skops"),
        ("a.skops/b", "a%2Eskops/b.skops"),
        ("A.SKOPS/b", "A%2ESKOPS/b.skops"),
        ("model.sig/b", "model%2Esig/b.skops"),
        ("Examples.json/b", "Examples%2Ejson/b.skops"),
        ("aux/com1.x", "%61ux/%63om1.x.skops"),
    ],
)
def test_a_path_is_the_uid_but_for_what_means_something_else(uid: str, path: str) -> None:
    assert path_of(uid) == path
    assert unquote(path.removesuffix(".skops")) == uid


def test_a_model_does_not_take_the_name_of_another_file() -> None:
    paths = export_paths(["examples", "a/examples"], "json", RESERVED)
    assert paths == {"examples": "%65xamples.json", "a/examples": "a/examples.json"}


def test_paths_that_differ_only_in_capitals_get_endings_of_their_own() -> None:
    paths = export_paths(["Line/a", "line/A", "line/b"], "skops", RESERVED)
    assert paths["line/b"] == "line/b.skops"
    assert paths["Line/a"].startswith("Line%2Fa~")
    assert len({path.casefold() for path in paths.values()}) == 3


@pytest.mark.parametrize("uid", ["变" * 200, "?" * 200, "a/" + "线" * 100])
def test_a_name_is_as_short_as_file_systems_require(uid: str) -> None:
    path = path_of(uid)
    assert all(len(name.encode()) <= MAX_NAME for name in path.split("/"))
    assert "~" in path


UIDS = st.text(st.sampled_from("aA./\\~%2F :sigkop"), min_size=1, max_size=12) | st.text(max_size=60)


@given(st.sets(UIDS.map(lambda text: unicodedata.normalize("NFC", text)), min_size=1, max_size=20))
def test_no_path_leads_out_and_no_two_meet(uids: set[str]) -> None:
    valid = [uid for uid in uids if _is_uid(uid)]
    paths = export_paths(valid, "skops", RESERVED)
    folded = [path.casefold() for path in paths.values()]
    folders = {str(parent) for path in folded for parent in PurePosixPath(path).parents}
    assert len({*folded}) == len(valid)
    assert not folders & {*folded, *RESERVED}
    for path in paths.values():
        for kind in (PurePosixPath, PureWindowsPath):
            assert kind(path).parts == tuple(path.split("/"))
            assert not kind(path).anchor
        assert not {"", ".", ".."} & {*path.split("/")}


def _is_uid(text: str) -> bool:
    try:
        check_uid(text)
    except ValueError:
        return False
    return True
