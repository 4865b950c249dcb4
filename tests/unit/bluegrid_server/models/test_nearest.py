"""UIDs suggested for a wrong UID: few, similar, and found without comparing all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_server.models.nearest import NearestUids

LINES = [f"line-{number}" for number in range(1, 187)]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("line-1O", "line-10"),
        ("lime-17", "line-17"),
        ("ine-42", "line-42"),
        ("line-99 ", "line-99"),
        ("_line-5", "line-5"),
        ("LINE-186", None),
        ("7f3c", None),
        ("", None),
    ],
)
def test_a_typing_mistake_finds_what_was_meant(wrong: str, meant: str | None) -> None:
    found = NearestUids(LINES).to(wrong)
    assert (meant in found) if meant else found == []


def test_a_device_is_found_by_its_beginning_or_its_end() -> None:
    devices = ["江苏.东善桥.500kV.1号主变", "江苏.东善桥.500kV.2号主变", "江苏.茅山.220kV.1号主变"]
    assert NearestUids(devices).to("江苏.东善侨.500kV.1号主变")[0] == devices[0]
    assert NearestUids(["_f1769b30-9aeb-11e5-91da-b8763fd99c5f"]).to("f1769b30-9aeb-11e5-91da-b8763fd99c5f")


class Counted(str):
    """A UID that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __lt__(self, other: str) -> bool:
        Counted.compared += 1
        return str.__lt__(self, other)


def test_after_the_first_a_wrong_uid_is_compared_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    nearest = NearestUids([Counted(f"bus-{number:06}") for number in range(40_000)])
    nearest.to("bus-39999X")
    monkeypatch.setattr(Counted, "compared", 0)
    assert nearest.to("bus-02000")[0] == "bus-002000"
    assert 0 < Counted.compared < 100


@given(st.lists(st.text(min_size=1, max_size=20), max_size=30), st.text(max_size=30))
def test_any_uids_and_any_wrong_one_give_three_at_most_that_there_are(uids: list[str], wrong: str) -> None:
    found = NearestUids(uids).to(wrong)
    assert len(found) <= 3
    assert set(found) <= set(uids)
