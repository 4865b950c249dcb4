"""The models in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_server.errors import LoadError
from bluegrid_server.models import file_pool
from bluegrid_server.models.file_pool import NOT_IN_MEMORY, FilePool
from bluegrid_server.models.version import LoadableVersion, fetch_version

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


@pytest.fixture
def version(settings: Settings) -> LoadableVersion:
    return fetch_version(settings, lambda _: None)


def in_memory(pool: FilePool) -> set[str]:
    return {uid for uid in pool if pool.state(uid) == ("READY", "")}


def test_a_model_is_loaded_when_it_is_asked_for_and_once(
    version: LoadableVersion, settings: Settings
) -> None:
    pool = FilePool(version, settings)
    assert in_memory(pool) == set()
    assert pool.state("line-1") == ("READY", NOT_IN_MEMORY)
    assert pool["line-1"] is pool["line-1"]
    assert in_memory(pool) == {"line-1"}
    with pytest.raises(KeyError):
        pool["line-9"]


def test_the_least_recently_used_goes_when_memory_is_full(
    version: LoadableVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel decides how much a process grows; here a model takes as much as its file.
    monkeypatch.setattr(file_pool, "_resident", lambda: 0)
    pool = FilePool(version, settings, budget=sum(row.raw_length for row in version.rows.values()) - 1)
    for uid in ("line-1", "line-2", "line-1", "trafo-1"):
        assert pool[uid]
    assert in_memory(pool) == {"line-1", "trafo-1"}
    assert pool["line-2"]
    assert in_memory(pool) == {"trafo-1", "line-2"}


def test_one_model_is_kept_however_little_memory_there_is(
    version: LoadableVersion, settings: Settings
) -> None:
    pool = FilePool(version, settings, budget=1)
    for uid in ("line-1", "line-2"):
        assert pool[uid]
        assert in_memory(pool) == {uid}


def test_a_model_that_cannot_be_loaded_is_told_and_harms_no_other(
    version: LoadableVersion, settings: Settings
) -> None:
    version.paths["line-1"].write_bytes(b"no model")
    pool = FilePool(version, settings)
    with pytest.raises(LoadError, match=r"^model line-1 is no skops file"):
        pool["line-1"]
    state, reason = pool.state("line-1")
    assert (state, reason[:16]) == ("UNAVAILABLE", "is no skops file")
    assert pool["line-2"]


def test_a_model_that_is_unloaded_answers_when_it_is_loaded_again(
    version: LoadableVersion, settings: Settings
) -> None:
    pool = FilePool(version, settings)
    pool.load_all(lambda _: None)
    pool.unload("line-1")
    with pytest.raises(LoadError, match="was unloaded"):
        pool["line-1"]
    pool.load("line-1")
    assert in_memory(pool) == {"line-1", "line-2", "trafo-1"}
