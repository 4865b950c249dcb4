"""Deletions that a merged request's labels allow, with servers that answer as GitHub and GitLab do."""

from __future__ import annotations

import pytest

from tests.support.forges import COMMIT, GITHUB, GITLAB, Hosted, ci, serving


@pytest.mark.parametrize("kind", [GITHUB, GITLAB])
def test_the_labels_of_the_merged_request_name_the_services_that_may_go(kind: str) -> None:
    labels = ("allow-delete:line-load", "documentation", "allow-delete:bus")
    with serving(Hosted(kind, labels=labels)) as hosted:
        assert (
            ci("allowed", COMMIT, variables=hosted.variables).stdout
            == "BLUEGRID_ALLOW_DELETE=line-load,bus\n"
        )


@pytest.mark.parametrize("variable", ["GITHUB_SHA", "CI_COMMIT_SHA"])
def test_the_commit_is_that_of_the_run(variable: str) -> None:
    kind = GITHUB if variable.startswith("GITHUB") else GITLAB
    with serving(Hosted(kind, labels=("allow-delete:bus",))) as hosted:
        done = ci("allowed", variables={**hosted.variables, variable: COMMIT})
    assert done.stdout == "BLUEGRID_ALLOW_DELETE=bus\n"


def test_without_labels_none_may_go() -> None:
    with serving(Hosted(GITHUB, labels=("documentation",))) as hosted:
        assert ci("allowed", COMMIT, variables=hosted.variables).stdout == "BLUEGRID_ALLOW_DELETE=\n"


def test_whoever_starts_the_run_by_hand_may_name_more() -> None:
    with serving(Hosted(GITHUB, labels=("allow-delete:line-load",))) as hosted:
        done = ci("allowed", COMMIT, variables={**hosted.variables, "ALLOW_DELETE": "bus line-load"})
    assert done.stdout == "BLUEGRID_ALLOW_DELETE=bus,line-load\n"


def test_a_forge_that_refuses_is_told_on_one_line() -> None:
    with serving(Hosted(GITHUB, status=500)) as hosted:
        done = ci("allowed", COMMIT, variables=hosted.variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the labels could not be read: ")
    assert done.stderr.count("\n") == 1


def test_without_a_commit_it_says_so() -> None:
    assert ci("allowed").stderr == "error: no commit is named; name it: bluegrid ci allowed COMMIT\n"
