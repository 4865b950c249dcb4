"""The comment under a request, against servers that keep comments as GitHub and GitLab do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.previews import MARK
from tests.support.forges import GITHUB, GITLAB, SECRET, Hosted, ci, event_of, serving

if TYPE_CHECKING:
    from pathlib import Path

URLS = {
    GITHUB: "https://github.example/151\n",
    GITLAB: "https://gitlab.example/grid/-/merge_requests/7#note_151\n",
}
TOKENS = {GITHUB: f"Bearer {SECRET}", GITLAB: SECRET}


@pytest.mark.parametrize("kind", [GITHUB, GITLAB])
def test_a_report_is_one_comment_however_often_it_is_written(kind: str, tmp_path: Path) -> None:
    # More than one page of other comments.
    hosted = Hosted(kind, dict.fromkeys(range(1, 151), "Looks good."))
    file = tmp_path / "comment.md"
    with serving(hosted):
        for text in ("first", "second"):
            file.write_text(f"{MARK}\n{text}")
            done = ci("comment", file, variables={**hosted.variables, **event_of(tmp_path)})
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == URLS[kind]
    assert hosted.bodies[151] == f"{MARK}\nsecond"
    assert len(hosted.bodies) == 151
    assert hosted.tokens == {TOKENS[kind]}


@pytest.mark.parametrize("kind", [GITHUB, GITLAB])
def test_a_comment_that_cannot_be_written_is_told_in_one_line_without_the_token(
    kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "comment.md"
    file.write_text(MARK)
    with serving(Hosted(kind)) as hosted:
        refused = ci("comment", file, "--number", "8", variables=hosted.variables)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: the comment could not be written: GET {hosted.address}/")
    assert "status 404: Not Found; the report is in " in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert SECRET not in refused.stdout + refused.stderr


def test_a_forge_that_does_not_answer_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    file.write_text(MARK)
    with serving(Hosted(GITHUB)) as hosted:
        pass
    refused = ci("comment", file, "--number", "7", variables=hosted.variables)
    assert refused.stderr.startswith("error: the comment could not be written: ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "GITHUB_REPOSITORY, GITHUB_TOKEN is not set"),
        ({"CI_API_V4_URL": "http://127.0.0.1:1", "CI_PROJECT_ID": "1"}, "GITLAB_TOKEN is not set"),
        ({"GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "t"}, "this runs for no request; name one: --number 7"),
    ],
)
def test_what_a_run_lacks_is_one_line(variables: dict[str, str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    file.write_text(MARK)
    refused = ci("comment", file, variables=variables)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {message}")
    assert refused.stderr.count("\n") == 1
