"""A commit with one changed byte is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_registry import Commit, IntegrityError

DIGEST = "sha256:" + "a" * 64
COMMIT = Commit.new("g1", "v1", DIGEST)


def test_a_commit_comes_back_as_it_was() -> None:
    assert Commit.from_bytes(COMMIT.to_bytes()) == COMMIT
    assert (COMMIT.set, COMMIT.version, COMMIT.manifest) == ("g1", "v1", DIGEST)


def test_two_publishes_are_told_apart() -> None:
    assert Commit.new("g1", "v1", DIGEST).txid != COMMIT.txid


@given(st.integers(0, len(COMMIT.to_bytes()) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(index: int, change: int) -> None:
    data = bytearray(COMMIT.to_bytes())
    data[index] ^= change
    with pytest.raises(IntegrityError, match="its commit is damaged"):
        Commit.from_bytes(bytes(data))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"3", b'"text"', b'{"sha256": 1}', b"\xff"])
def test_what_is_no_commit_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="its commit is damaged"):
        Commit.from_bytes(data)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(IntegrityError, match="its commit is damaged"):
        Commit.from_bytes(b"[" * 200_000)


def test_a_user_that_no_passwd_file_names_can_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    monkeypatch.setattr("bluegrid_registry.formats.commit.getpass.getuser", fail)
    assert Commit.new("g1", "v1", DIGEST).author == "unknown"
