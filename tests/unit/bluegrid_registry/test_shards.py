"""The shard of a model is the same for ever, and shards are about equal."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest

from bluegrid_registry.shards import MAX_SHARDS, Shard, shard_of


def test_the_shard_of_a_uid_never_changes() -> None:
    # Pods of two releases serve one cluster during an update.
    uids = ("line-1", "江苏.东善桥/500kV.1号主变", "mv_feeder/OS Edam", "")
    assert [shard_of(uid, 7) for uid in uids] == [0, 0, 6, 6]


def test_in_the_order_of_their_hashes_the_models_of_a_shard_are_together() -> None:
    uids = sorted((f"line-{number}" for number in range(1000)), key=lambda uid: sha256(uid.encode()).digest())
    for count in (2, 7, MAX_SHARDS):
        shards = [shard_of(uid, count) for uid in uids]
        assert shards == sorted(shards)


def test_every_uid_is_in_exactly_one_shard() -> None:
    for number in range(100):
        assert sum(Shard(index, 5).holds(f"line-{number}") for index in range(5)) == 1


def test_shards_of_many_models_are_about_equal() -> None:
    sizes = Counter(shard_of(f"line-{number}", 8) for number in range(20_000))
    assert max(sizes.values()) < 1.1 * 20_000 / 8


def test_a_request_may_name_what_cannot_be_a_uid() -> None:
    assert 0 <= shard_of("\ud800", 3) < 3


@pytest.mark.parametrize("text", ["", "1", "3/3", "-1/3", "01/3", "0/0", "0/65", "0 / 3", "a/b"])
def test_text_that_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a shard, such as 0/3"):
        Shard.parse(text)


def test_a_shard_as_text_is_read_again() -> None:
    assert str(Shard.parse(f"63/{MAX_SHARDS}")) == "63/64"
