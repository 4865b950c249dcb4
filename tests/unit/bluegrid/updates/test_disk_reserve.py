"""Disk space reserved for the way back."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from bluegrid.updates.disk_reserve import RESERVE_BYTES
from bluegrid.updates.registry_source.uncommitted import LaterEdit, Uncommitted
from bluegrid_registry.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_way_back_uses_room_that_is_kept_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Uncommitted(tmp_path / "uncommitted.json")
    reserve = tmp_path / "reserve"
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES

    def write_if_there_is_room(path: Path, data: bytes) -> None:
        if reserve.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(path, data)

    monkeypatch.setattr("bluegrid.updates.registry_source.uncommitted.write_whole", write_if_there_is_room)
    edit = LaterEdit(
        what="live",
        service="line-loading",
        key="north",
        value="d1",
        instead_of=("d2",),
        author="training",
        message="line-loading: d1 is live in north",
    )
    waiting.add(edit)
    assert Uncommitted(tmp_path / "uncommitted.json")() == (edit,)
