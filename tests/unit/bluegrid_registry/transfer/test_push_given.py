"""Push: its inputs, and the inputs that it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ConfigError,
    FormatError,
    SourceModel,
    push,
    read_manifest,
)
from tests.support.stores import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import Store

from tests.unit.bluegrid_registry.pushes import TYPE, contents, models, version


def test_models_from_memory_come_out_byte_for_byte(store: Store, tmp_path: Path) -> None:
    given = models(20)
    report = push(store, "g1", "v1", given, model_type=TYPE)
    assert contents(store, report, tmp_path) == {model.uid: model.content for model in given}


def test_models_of_the_base_are_left_out_by_uid_and_by_pattern(store: Store, tmp_path: Path) -> None:
    given = models(30)
    base = push(store, "g1", "v1", given, model_type=TYPE)
    report = push(
        store, "g1", "v2", [], model_type=TYPE, base=version(base), without=["line-003", "line-01*"]
    )
    kept = {
        model.uid: model.content for model in given if model.uid != "line-003" and model.uid[:7] != "line-01"
    }
    assert (report.models, report.sent_models) == (19, 0)
    assert contents(store, report, tmp_path) == kept


def test_a_uid_that_looks_like_a_pattern_is_that_model(store: Store) -> None:
    given = [SourceModel(uid, uid.encode()) for uid in ("bus[1]", "bus1", "bus*")]
    base = push(store, "g1", "v1", given, model_type=TYPE)
    report = push(store, "g1", "v2", [], model_type=TYPE, base=version(base), without=["bus[1]", "bus*"])
    assert [row.uid for row in read_manifest(store, "g1", "v2", report.manifest).models] == ["bus1"]


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (
            ["line-9*"],
            "set g1 version v1: no model is named 'line-9*'; list the version's models",
        ),
        (["*"], "set g1 version v2: no model is left; a version has at least one"),
    ],
)
def test_leaving_out_nothing_or_everything_is_refused(without: list[str], message: str, store: Store) -> None:
    base = push(store, "g1", "v1", models(3), model_type=TYPE)
    with pytest.raises(ConfigError) as caught:
        push(store, "g1", "v2", [], model_type=TYPE, base=version(base), without=without)
    assert str(caught.value) == message


def test_a_device_has_one_model(store: Store) -> None:
    twice = [SourceModel("line-1", b"one"), SourceModel("line-1", b"another")]
    with pytest.raises(FormatError, match="UID line-1 comes twice; a device has one model"):
        push(store, "g1", "v1", twice, model_type=TYPE)


@pytest.mark.parametrize("uid", ["", "a\nb", "a\x00b", "u" * 1000])
def test_a_uid_that_is_none_is_refused_before_anything_is_sent(uid: str, store: Store) -> None:
    counted = Recording(store)
    with pytest.raises(ConfigError, match="choose another UID") as caught:
        push(counted, "g1", "v1", [*models(3), SourceModel(uid, b"x")], model_type=TYPE)
    assert "\n" not in str(caught.value)
    assert not [request for request in counted.requests if request.startswith("put")]


def test_an_error_of_the_caller_s_stream_is_the_caller_s(store: Store) -> None:
    def stream() -> Iterator[SourceModel]:
        yield SourceModel("line-1", b"one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        push(store, "g1", "v1", stream(), model_type=TYPE)
