"""The demo's steps on a real Kubernetes, under load: each of its promises is an assertion here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.demo.promises import PROMISES, Promise

if TYPE_CHECKING:
    from tools.demo.scenario import Results
    from tools.demo.workspace import Workspace


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_the_demo_keeps_its_promises(promise: Promise, results: Results) -> None:
    assert promise.holds(results), promise.evidence(results)


def test_status_shows_the_clusters_as_they_run(work: Workspace, results: Results) -> None:
    assert results.last.version == "v4"
    rows = work.bluegrid("status", "--json").require().json()
    assert {(row["cluster"], row["version"], row["live"], row["state"]) for row in rows} == {
        ("d2", "v2", False, "1 Running"),
        ("d3", "v3", False, "1 Running"),
        ("d4", "v4", True, "1 Running"),
    }
