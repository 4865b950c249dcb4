"""Objects below `incoming/` become files; an object that cannot is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.publishing.store_drop import fetch_drop
from bluegrid_registry import ConfigError, FormatError
from bluegrid_registry.stores.base import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import Store


class Bucket:
    """A store's objects below `incoming/nightly/`, with names that are not valid in a folder."""

    url = "s3://models/grid"

    def __init__(self, **objects: bytes) -> None:
        self._objects = {f"incoming/nightly/{name}": data for name, data in objects.items()}

    def keys(self, prefix: str) -> Iterator[StoredObject]:
        now = datetime.now(UTC)
        return (
            StoredObject(key, len(data), now) for key, data in self._objects.items() if key.startswith(prefix)
        )

    def get(self, key: str) -> bytes:
        return self._objects[key]


def fetched(bucket: Bucket | Store, folder: Path) -> dict[str, bytes]:
    fetch_drop(bucket, "nightly", folder, 10_000)  # type: ignore[arg-type]
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_objects_that_only_show_a_folder_are_passed_over(tmp_path: Path) -> None:
    models = {"bus-1.skops": b"one", "area-7/bus-2.skops": b"two"}
    markers = dict.fromkeys(["", "area-7/", "area-8/", "area-8_$folder$"], b"")
    assert fetched(Bucket(**markers, **models), tmp_path) == models


def test_a_folder_of_markers_alone_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="incoming/nightly/: holds nothing"):
        fetched(Bucket(**{"": b"", "area-7/": b""}), tmp_path)


@pytest.mark.parametrize("name", ["bus-1/", "../bus-1.skops", "/bus-1.skops", "a//bus-1.skops"])
def test_an_object_with_bytes_whose_name_is_no_files_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=f"'incoming/nightly/{name}': is not the name of a file"):
        fetched(Bucket(**{name: b"bytes"}), tmp_path)


def test_an_object_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'incoming/nightly/area-7': is both a file and a folder"):
        fetched(Bucket(**{"area-7": b"bytes", "area-7/bus-1.skops": b"one"}), tmp_path)
