"""Every family's image is built from an empty cache, as on a new machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bluegrid import image as images
from tests.support.endurance import FULL, measured

if TYPE_CHECKING:
    from pathlib import Path

IN_EVERY_RUN = "onnx"
"""A family in addition to the demo's, whose packages are locked to more than scikit-learn's."""


@pytest.mark.parametrize("family", images.FAMILIES)
def test_a_familys_image_is_built_from_an_empty_cache(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if family != IN_EVERY_RUN and not FULL:
        pytest.skip("minutes and a gigabyte each: `make endurance` builds them all")
    # uv stays on PATH, but its cache of wheels is empty.
    monkeypatch.setenv("UV", str(images.packages.uv()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    # The build must not depend on where it is run.
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\noverride-dependencies = ["numpy<1"]\n')
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    # The last step of the build imports everything that the family's loaders need.
    built = images.build(lambda _: None, images.family_of(family))
    size = built.archive.stat().st_size
    measured(family, seconds=round(time.monotonic() - began), megabytes=round(size / 1e6))
    assert built.sbom.exists()
    assert size > 50_000_000
