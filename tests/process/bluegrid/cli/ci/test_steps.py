"""The steps of a project's workflows, run as the workflows run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.forges import ci, event_of
from tests.support.previews import write_delete_of_load

EXAMPLE = CHECKOUT / "examples" / "line_loading" / "registry"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two stacks, in git; its commit is named `before`."""
    folder = tmp_path / "grid"
    shutil.copytree(EXAMPLE, folder / "registry")
    (folder / "Pulumi.yaml").write_text("{name: grid, runtime: python, stackConfigDir: stacks}")
    (folder / "stacks").mkdir()
    for region in ("north", "east"):
        (folder / "stacks" / f"Pulumi.{region}.yaml").write_text("config: {}\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "before")
    git(folder, "tag", "before")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True)


def switch(project: Path) -> None:
    live = project / "registry" / "g1.yaml"
    live.write_text(re.sub(r"live: d\d", "live: d2", live.read_text()))


def pulumi(folder: Path, script: str) -> dict[str, str]:
    """Put a `pulumi` first on PATH; return variables with which previews run."""
    folder.mkdir(exist_ok=True)
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    path = os.pathsep.join((str(folder), os.environ["PATH"]))
    return {"PATH": path, "PULUMI_BACKEND_URL": "file:///nowhere"}


def test_a_preview_of_a_stack_without_a_file_is_refused(project: Path, tmp_path: Path) -> None:
    done = ci("preview", "west", cwd=project, variables=pulumi(tmp_path / "bin", "exit 0"))
    assert (done.returncode, (project / "previews").exists()) == (1, False)
    assert done.stderr == "error: there is no stack west in stacks; declared: east, north\n"


def test_every_stacks_file_is_a_line_or_a_row_of_json(project: Path) -> None:
    assert ci("stacks", cwd=project).stdout == "east\nnorth\n"
    assert ci("stacks", "--json", cwd=project).stdout == '["east", "north"]\n'


def test_without_a_state_backend_a_preview_is_left_out_and_says_so(project: Path) -> None:
    done = ci("preview", cwd=project)
    assert (done.returncode, (project / "previews").exists()) == (0, False)
    assert done.stderr.startswith("warning: PULUMI_BACKEND_URL is not set; no preview of east, north")


def test_previews_are_of_all_stacks_or_of_those_that_are_named(project: Path, tmp_path: Path) -> None:
    variables = pulumi(tmp_path / "programs", 'echo "{\\"steps\\": []}"')
    assert ci("preview", "north", cwd=project, variables=variables).returncode == 0
    assert [path.name for path in (project / "previews").iterdir()] == ["north.json"]
    assert ci("preview", cwd=project, variables=variables).returncode == 0
    assert {path.name for path in (project / "previews").iterdir()} == {"east.json", "north.json"}


STATE = {
    "version": 3,
    "deployment": {
        "secrets_providers": {"type": "passphrase"},
        "resources": [
            {"urn": "urn:pulumi:north::grid::pulumi:pulumi:Stack::a", "type": "pulumi:pulumi:Stack"}
        ],
    },
}
PREVIEWS = f"""\
case "$1 $2" in "stack export") echo '{json.dumps(STATE)}'; exit;; esac
echo "$PULUMI_BACKEND_URL" > FOLDER/backend
settings=$(echo "$@" | sed -n "s/.*--config-file //p")
[ -z "$settings" ] ||
    tr -s "\\n" " " < "$settings" | sed "s/.*registry: *//; s/ .*//" | xargs ls > FOLDER/registry
echo '{json.dumps({"steps": []})}'
"""
"""Notes the backend of a preview, and the files of its registry."""


@pytest.fixture
def previewing(project: Path, tmp_path: Path) -> dict[str, str]:
    """Variables of a run for a request whose previews note their backend and the files of their registry."""
    script = PREVIEWS.replace("FOLDER", str(tmp_path))
    return pulumi(tmp_path / "programs", script) | event_of(tmp_path, base="before")


def excerpt_of(project: Path, stack: str = "north") -> object:
    return json.loads((project / "previews" / f"{stack}.json").read_text()).get("bluegrid")


def test_of_a_request_the_services_are_previewed_whose_files_have_changed(
    project: Path, tmp_path: Path, previewing: dict[str, str]
) -> None:
    shutil.copy(project / "registry" / "g1.yaml", tmp_path / "g2.yaml")
    other = (tmp_path / "g2.yaml").read_text().replace("g1", "g2").replace("line-loading", "wind")
    (project / "registry" / "g2.yaml").write_text(other)
    git(project, "add", ".")
    git(project, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "g2")
    git(project, "tag", "--force", "before")
    switch(project)
    done = ci("preview", cwd=project, variables=previewing)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "east: previewed line-loading\nnorth: previewed line-loading\n"
    assert (tmp_path / "registry").read_text() == "g1.yaml\n"
    backend = (tmp_path / "backend").read_text()
    assert backend.startswith("file:///")
    # The copy of the stack is gone, and the stack itself was only read.
    assert backend.strip() != previewing["PULUMI_BACKEND_URL"]
    assert not (tmp_path / backend.strip().removeprefix("file://")).exists()
    assert excerpt_of(project) == {
        "services": ["line-loading"],
        "applied": None,
        "waiting": None,
        "others": [],
    }


def test_a_preview_that_ci_ends_leaves_no_folder(project: Path, tmp_path: Path) -> None:
    script = f'echo "$TMPDIR" > {tmp_path}/temporary; kill -TERM $PPID; exec sleep 60'
    done = ci("preview", "--all", cwd=project, variables=pulumi(tmp_path / "programs", script))
    assert (done.returncode, done.stderr) == (130, "")
    assert not Path((tmp_path / "temporary").read_text().strip()).exists()


def test_of_a_request_that_concerns_no_service_nothing_is_run(
    project: Path, tmp_path: Path, previewing: dict[str, str]
) -> None:
    (project / "README.md").write_text("Grid.\n")
    done = ci("preview", "north", cwd=project, variables=previewing)
    assert done.stdout == "north: previewed no service: none is concerned\n"
    assert not (tmp_path / "backend").exists()
    report = ci("report", "--base-commit", "before", cwd=project).stdout
    assert "| north | | nothing changes: no service is concerned |" in report
    assert "**north**: the preview covers no service" in report
    assert ci("check", cwd=project).returncode == 0


@pytest.mark.parametrize("how", ["option", "label", "program"])
def test_all_services_are_previewed_on_demand_and_where_the_program_has_changed(
    project: Path, tmp_path: Path, previewing: dict[str, str], how: str
) -> None:
    switch(project)
    options = ["--all"] if how == "option" else []
    if how == "label":
        previewing |= event_of(tmp_path, "preview-all", base="before")
    if how == "program":
        (project / "requirements.txt").write_text("bluegrid==1\n")
        git(project, "add", ".")
    done = ci("preview", "north", *options, cwd=project, variables=previewing)
    assert done.returncode == 0, done.stderr
    said = "north: previews all services: requirements.txt\n" if how == "program" else ""
    assert done.stdout == said
    assert excerpt_of(project) is None


def test_a_preview_of_some_that_fails_is_made_of_all(project: Path, tmp_path: Path) -> None:
    script = PREVIEWS.replace("FOLDER", str(tmp_path)) + "exit 1"
    variables = pulumi(tmp_path / "programs", script) | event_of(tmp_path, base="before")
    switch(project)
    done = ci("preview", "north", cwd=project, variables=variables)
    assert done.stdout == "north: previews all services: line-loading could not be previewed alone\n"
    assert done.stderr == "warning: north: the preview failed; previews/north.json has the errors\n"


def test_a_base_that_was_not_fetched_stops_the_preview_in_one_line(
    project: Path, previewing: dict[str, str]
) -> None:
    refused = ci("preview", "north", "--base-commit", "nowhere", cwd=project, variables=previewing)
    assert refused.stderr == (
        "error: nowhere is not a commit of this clone; fetch the whole history (`fetch-depth: 0`)\n"
    )


def test_a_nightly_check_refuses_what_a_preview_would_change(project: Path) -> None:
    (project / "previews").mkdir()
    file = project / "previews" / "north.json"
    write_delete_of_load(file)
    refused = ci("check", "--expect-no-changes", "--label", "allow-delete:load", cwd=project)
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: previews/north.json: would change: 1 delete (Ingress load); apply what waits with "
        "`pulumi up`, or find out who has changed the stack\n",
    )
    file.write_text('{"steps": []}')
    assert ci("check", "--expect-no-changes", cwd=project).returncode == 0


def test_a_request_from_a_fork_is_told_from_the_registry_files(project: Path, tmp_path: Path) -> None:
    switch(project)
    done = ci("report", cwd=project, variables=event_of(tmp_path, base="before"))
    assert (done.returncode, done.stderr) == (0, "")
    for region in ("north", "east"):
        assert f"| {region} | line-loading | **switch** d1 (v1) → d2 (v2)" in done.stdout


def test_without_previews_a_stack_has_the_services_of_its_region(project: Path, tmp_path: Path) -> None:
    stacks, file = project / "stacks", project / "registry" / "g1.yaml"
    (stacks / "Pulumi.east.yaml").write_text("config: {bluegrid:region: coast}\n")
    (stacks / "Pulumi.lines.yaml").write_text("config: {bluegrid:platform: north}\n")
    file.write_text(re.sub(r"live: d\d", "live: {default: d2, coast: d1}", file.read_text()))
    done = ci("report", cwd=project, variables=event_of(tmp_path, base="before"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "| north | line-loading | **switch** d1 (v1) → d2 (v2)" in done.stdout
    assert "| east | line-loading" not in done.stdout
    assert "| lines | line-loading" not in done.stdout


def test_the_base_of_a_merge_request_is_gitlabs(project: Path) -> None:
    switch(project)
    variables = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "before"}
    assert "**switch** d1 (v1) → d2 (v2)" in ci("report", cwd=project, variables=variables).stdout


def test_a_registry_that_the_base_has_not_is_all_new(project: Path) -> None:
    git(project, "mv", "registry", "models")
    done = ci("report", "--base-commit", "before", "--registry", "models", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| north | line-loading | " in done.stdout


def test_a_base_that_was_not_fetched_is_one_line(project: Path) -> None:
    refused = ci("report", "--base-commit", "0" * 40, cwd=project)
    assert refused.stderr == (
        f"error: {'0' * 40} is not a commit of this clone; fetch the whole history (`fetch-depth: 0`)\n"
    )


def test_a_report_without_previews_and_base_says_what_to_name(project: Path) -> None:
    refused = ci("report", cwd=project)
    assert (
        refused.stderr
        == "error: no preview of east, north in previews; name a commit, --base-commit origin/main\n"
    )


@pytest.mark.parametrize("printed", ["", "{}", '{"diagnostics": [{"severity": "warning"}]}'])
def test_a_pulumi_that_fails_without_an_error_is_a_failed_preview(
    project: Path, tmp_path: Path, printed: str
) -> None:
    variables = pulumi(tmp_path / "programs", f"echo '{printed}'; exit 255")
    done = ci("preview", "north", cwd=project, variables=variables)
    assert done.returncode == 0, done.stderr
    refused = ci("check", cwd=project)
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: previews/north.json: pulumi ended without a message; see the log\n",
    )


def test_a_check_without_previews_still_reads_the_registry(project: Path) -> None:
    done = ci("check", cwd=project)
    assert (done.returncode, done.stdout) == (0, "registry: 1 model set, 1 service, no mistakes\n")


def test_a_label_lets_a_live_service_go_and_no_other_label_does(project: Path, tmp_path: Path) -> None:
    (project / "previews").mkdir()
    write_delete_of_load(project / "previews" / "north.json")
    others = ("bug", "help wanted", "*", "allow-delete:other")
    assert ci("check", cwd=project, variables=event_of(tmp_path, *others)).returncode == 1
    assert ci("check", cwd=project, variables=event_of(tmp_path, "bug", "allow-delete:load")).returncode == 0
    of_gitlab = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_LABELS": "bug,allow-delete:load"}
    assert ci("check", cwd=project, variables=of_gitlab).returncode == 0
    assert ci("check", "--label", "allow-delete:load", cwd=project).returncode == 0


def test_an_event_that_cannot_be_read_is_one_line(project: Path, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{")
    refused = ci("check", cwd=project, variables={"GITHUB_EVENT_PATH": str(event)})
    assert refused.stderr.startswith(f"error: {event}: the event cannot be read: ")
    assert refused.stderr.count("\n") == 1


def test_the_policy_pack_is_a_folder_that_pulumi_takes(project: Path) -> None:
    folder = ci("policy", cwd=project).stdout.strip()
    assert folder == str(CHECKOUT / "bluegrid" / "policy")
