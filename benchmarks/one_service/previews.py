"""The preview of a pull request that changes one service: `bluegrid ci preview` in a clone of the project."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from benchmarks.stack.services import CLUSTERS
from bluegrid_registry import BluegridError
from tools.demo.workspace import SERVICE, SET

if TYPE_CHECKING:
    from pathlib import Path

    from tools.demo.workspace import Workspace

_BASE = "base"


def preview_of_one(work: Workspace, times: int) -> list[float]:
    """Return the seconds of a preview of one switched service, each from its command to its end."""
    clone = work.state / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    _write(work, clone)
    command = ("env", f"--chdir={clone}", "bluegrid", "ci", "preview", work.stack, "--base-commit", _BASE)
    options = ("--stacks", str(clone / "stacks"))
    seconds = [work.run(*command, *options).require().seconds for _ in range(times)]
    preview = json.loads((clone / "previews" / f"{work.stack}.json").read_bytes())
    changed = [step["op"] for step in preview["steps"] if step["op"] != "same"]
    if preview.get("bluegrid", {}).get("services") != [SERVICE] or changed != ["update"]:
        raise BluegridError(f"the preview of {SERVICE} covers or changes something else: {changed}")
    return seconds


def _write(work: Workspace, clone: Path) -> None:
    """Write the project with its registry into a clone, commit, and switch one service."""
    (clone / "stacks").mkdir(parents=True)
    shutil.copytree(work.registry, clone / "registry", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(work.checkout / "__main__.py", clone)
    (clone / ".venv").symlink_to(work.checkout / ".venv")
    (clone / ".gitignore").write_text(".venv\npreviews/\n")
    (clone / "Pulumi.yaml").write_text(
        "name: bluegrid\nruntime: {name: python, options: {virtualenv: .venv}}\nstackConfigDir: stacks\n"
    )
    for file in work.state.glob("Pulumi.*.yaml"):
        settings = file.read_text().replace(str(work.registry), "registry")
        (clone / "stacks" / file.name).write_text(settings)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        (*who, "commit", "--quiet", "--message=Base"),
        ("tag", _BASE),
    ):
        work.run("git", "-C", str(clone), *arguments).require()
    file = clone / "registry" / f"{SET}.yaml"
    text = file.read_text()
    (standby,) = (each for each in CLUSTERS.values() if f"live: {each}\n" not in text)
    file.write_text(re.sub(r"live: .*", f"live: {standby}", text))
