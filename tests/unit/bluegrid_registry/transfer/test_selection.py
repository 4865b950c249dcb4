"""Models are selected by their UIDs or by patterns; an exact UID wins over a pattern."""

from __future__ import annotations

import pytest

from bluegrid_registry.transfer.selection import uids_matching

UIDS = {"line-1", "line-2", "line-[12]", "feeder/1", "feeder/a/2", "*"}


@pytest.mark.parametrize(
    ("name", "matched"),
    [
        ("line-1", {"line-1"}),
        ("line-[12]", {"line-[12]"}),
        ("*", {"*"}),
        ("line-[1-2]", {"line-1", "line-2"}),
        ("feeder/*", {"feeder/1", "feeder/a/2"}),
        ("**", UIDS),
        ("[*]", {"*"}),
        ("LINE-1", set()),
        ("line-3", set()),
    ],
)
def test_a_uid_matches_itself_and_otherwise_as_a_pattern(name: str, matched: set[str]) -> None:
    assert {*uids_matching(UIDS, name)} == matched
