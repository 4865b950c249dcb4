"""The workflow that publishes has every family of images, and rights only where they are needed."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML

from bluegrid.image import FAMILIES
from tests.support.checkout import CHECKOUT

WORKFLOWS = CHECKOUT / ".github" / "workflows"


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(WORKFLOWS / name)["jobs"]
    return found


def test_an_image_of_each_family_is_published() -> None:
    assert jobs("publish.yaml")["images"]["strategy"]["matrix"]["family"] == [*FAMILIES]


def test_nothing_is_published_before_all_tests_pass() -> None:
    found = jobs("publish.yaml")
    assert {"check", "test", "distributions"} <= {*found["images"]["needs"]}
    assert {"check", "test", "images"} <= {*found["pypi"]["needs"]}
    assert "pypi" in found["release"]["needs"]


def test_only_jobs_that_publish_may_write() -> None:
    writers = {
        f"{path.name}: {name}"
        for path in sorted(WORKFLOWS.glob("*.yaml"))
        for name, job in jobs(path.name).items()
        if any(right == "write" for right in job["permissions"].values())
    }
    assert writers == {"publish.yaml: images", "publish.yaml: pypi", "publish.yaml: release"}
