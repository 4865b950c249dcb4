"""`bluegrid check --preview` and `bluegrid preview report`, as a user types them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.command import bluegrid
from tests.support.previews import write_delete_of_load

if TYPE_CHECKING:
    from pathlib import Path


REGISTRY = CHECKOUT / "examples" / "line_loading" / "registry"


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the example's registry if a command names none."""
    monkeypatch.setenv("BLUEGRID_REGISTRY", str(REGISTRY))


@pytest.fixture
def registries(tmp_path: Path) -> tuple[Path, Path]:
    """The tracked registry, and a copy in which its service is switched."""
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(REGISTRY, before)
    shutil.copytree(REGISTRY, after)
    done = bluegrid("switch", "line-loading", "d2", "--registry", after)
    assert done.returncode == 0, done.stderr
    return before, after


def test_without_a_preview_a_switch_is_told_from_the_files(registries: tuple[Path, Path]) -> None:
    before, after = registries
    message = bluegrid(
        "preview", "report", "--base-registry", before, "--registry", after, "--region", "north"
    )
    assert message.returncode == 0, message.stderr
    assert "**switch** d1 (v1) → d2 (v2): models not compared: no store was named" in message.stdout
    assert "d1 stays warm" in message.stdout


def test_a_report_of_nothing_is_refused_with_the_way_to_make_one() -> None:
    refused = bluegrid("preview", "report")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: there is nothing to report; name previews, or --base-registry and --region\n",
    )


def test_what_is_no_preview_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text("Previewing update (north)")
    for command in (
        (
            "preview",
            "report",
        ),
        ("check", "--preview"),
    ):
        refused = bluegrid(*command, file)
        assert refused.returncode == 1
        assert refused.stderr == (
            f"error: {file}: is not the JSON of a preview; "
            "write it with `pulumi preview --json --show-sames > FILE`\n"
        )


def test_a_preview_that_failed_is_reported_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "north.json"
    failed = {"severity": "error", "message": "bluegrid:image is not set\n"}
    file.write_text(json.dumps({"diagnostics": [failed]}))
    message = bluegrid("preview", "report", file)
    assert "> - **north**: no preview: bluegrid:image is not set" in message.stdout
    refused = bluegrid("check", "--preview", file)
    assert (refused.returncode, refused.stderr) == (1, f"error: {file}: bluegrid:image is not set\n")


def test_a_live_service_that_a_preview_deletes_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "north.json"
    write_delete_of_load(file)
    refused = bluegrid("check", "--preview", file, "--registry", REGISTRY)
    assert refused.returncode == 1
    assert "allow it: bluegrid check --allow-delete load (live-service-stays, mandatory)" in refused.stderr
    allowed = bluegrid("check", "--preview", file, "--registry", REGISTRY, "--allow-delete", "load")
    assert (allowed.returncode, allowed.stderr) == (0, "")
