"""The page tells how the quality of models moved from version to version, and who trained each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import Lineage, ModelSet
from tests.support.skops_files import skops_file
from tests.support.updating import SOMEBODY, git

if TYPE_CHECKING:
    from tests.integration.page.conftest import Grid, Opened


@pytest.fixture
def grid(grid: Grid) -> Grid:
    """A set with versions v1 and v2, whose one model has lineage."""
    work = grid.folder / "work"
    row = "{id: g9, name: Bus voltage, task: regression, type: scikit-learn/skops, source: platform}"
    (work / "registry" / "g9.yaml").write_text(f"set: {row}\nversions: []\n")
    models = ModelSet.open("g9", work / "registry", f"file://{grid.folder / 'store'}")
    for version, mae in (("v1", 0.04), ("v2", 0.03)):
        trained = Lineage(author="ada", run=f"run-{version}", metrics={"mae": mae})
        models.push(version, {"line-1": skops_file(version)}, lineage={"line-1": trained})
    git("-C", work, "add", ".")
    git("-C", work, *SOMEBODY, "commit", "--quiet", "--message=Versions")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")
    return grid


def test_metrics_stand_below_what_changed(opened: Opened) -> None:
    page = opened("#/versions/g9")
    page.locator("summary", has_text="What changed in v2").click()
    row = page.locator("[data-metric=mae]")
    row.wait_for()
    cells = row.locator("th, td").all_inner_texts()
    assert cells == ["mae", "0.04", "0.03", "0", "1", "1"]


def test_the_history_of_a_model_tells_who_trained_it_and_how_good_it_was(opened: Opened) -> None:
    page = opened("#/versions/g9")
    page.get_by_label("History of one model, by its UID").fill("line-1")
    page.get_by_role("button", name="Show its history").click()
    page.get_by_text("mae 0.03").wait_for()
    page.get_by_text("by ada, run run-v2").wait_for()
