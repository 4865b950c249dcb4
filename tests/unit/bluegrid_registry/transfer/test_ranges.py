"""Spans: few requests for the requested models, and no model is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bluegrid_registry import ModelRow, PackRow
from bluegrid_registry.transfer.config import TransferConfig
from bluegrid_registry.transfer.ranges import spans

PACK = "a" * 64

CONFIG = TransferConfig()
STEPS = st.tuples(st.integers(1, 2 * CONFIG.gap_bytes), st.integers(1, 1000))


def row(uid: int, offset: int, length: int) -> ModelRow:
    name, digest = f"line-{uid}", f"{uid:064x}"
    return ModelRow(uid=name, pack=PACK, offset=offset, length=length, raw_length=length, sha256=digest)


def pack(size: int) -> PackRow:
    return PackRow(name=PACK, size=size)


def test_a_pack_that_is_mostly_wanted_is_fetched_whole() -> None:
    (span,) = spans(pack(100), [row(1, 10, 20), row(2, 60, 20)], CONFIG)
    assert (span.offset, span.length, len(span.rows)) == (0, 100, 2)


def test_models_that_lie_near_are_one_request_and_far_ones_are_several() -> None:
    far = 100 + CONFIG.gap_bytes + 1
    found = spans(pack(10 * CONFIG.gap_bytes), [row(1, 10, 20), row(2, 80, 20), row(3, far, 50)], CONFIG)
    assert [(span.offset, span.length) for span in found] == [(10, 90), (far, 50)]


def test_a_shared_model_is_read_once() -> None:
    (span,) = spans(pack(10_000), [row(1, 10, 20), row(2, 10, 20)], CONFIG)
    assert [model.uid for model in span.rows] == ["line-1"]


@given(st.lists(STEPS, min_size=1, max_size=20))
def test_every_wanted_model_lies_in_exactly_one_part(steps: list[tuple[int, int]]) -> None:
    rows, end = [], 0
    for number, (gap, length) in enumerate(steps):
        rows.append(row(number, end + gap, length))
        end += gap + length
    found = spans(pack(end + 10), rows, CONFIG)
    assert sorted(model.uid for span in found for model in span.rows) == sorted(model.uid for model in rows)
    for span in found:
        for model in span.rows:
            assert span.offset <= model.offset
            assert model.offset + model.length <= span.offset + span.length
    wanted = sum(model.length for model in rows)
    assert (found[0].length == end + 10) == (wanted >= CONFIG.whole_share * (end + 10))
