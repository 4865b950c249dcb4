"""The comment on a pull request."""

from __future__ import annotations

from dataclasses import replace

from bluegrid.previews import MARK, Comparison, Effects, Finding, RegionReport, Risk, Rule, render
from bluegrid.states import ClusterState, ServiceChange, ServiceState

D1, D2 = ClusterState("d1", "v1", 2), ClusterState("d2", "v2", 1)
BOTH = {"d1": D1, "d2": D2}
SWITCH = ServiceChange(
    ServiceState("line-loading", "g1", "d1", BOTH), ServiceState("line-loading", "g1", "d2", BOTH)
)
COMPARED = Comparison("37 models changed, 2 added, 0 removed", "signed by ops-2026", is_trusted=True)


def switched(**changed: object) -> RegionReport:
    fields: dict[str, object] = {
        "region": "north",
        "source": "the preview",
        "changes": [SWITCH],
        "comparisons": {"line-loading": COMPARED},
        "details": "update Ingress line-loading",
    }
    return RegionReport(**fields | changed)  # type: ignore[arg-type]


def test_a_switch_says_what_it_brings() -> None:
    text = render([switched()])
    assert text.startswith(MARK)
    assert (
        "| north | line-loading | **switch** d1 (v1) → d2 (v2): 37 models changed, 2 added, 0 removed; "
        "signed by ops-2026<br>d1 stays warm |"
    ) in text
    assert "[!WARNING]" not in text


def test_risks_come_before_everything_else() -> None:
    forged = Comparison(
        "1 model changed, 0 added, 0 removed", "is not signed by a trusted key", is_trusted=False
    )
    gone = ServiceChange(SWITCH.before, None)
    text = render([switched(changes=[gone, SWITCH], comparisons={"line-loading": forged})])
    assert (
        text.index("its URL goes") < text.index("is not signed by a trusted key") < text.index("| region |")
    )


def test_a_switch_that_breaks_clients_is_a_risk() -> None:
    breaking = replace(COMPARED, breaking=("input x FP64 [n, 3] becomes x FP64 [n, 4]", "output z is gone"))
    text = render([switched(comparisons={"line-loading": breaking})])
    faults = "input x FP64 [n, 3] becomes x FP64 [n, 4]; output z is gone"
    assert f"> - **north · line-loading**: clients of its URL may break: `{faults}`\n" in text


def test_how_metrics_moved_stands_at_the_end_of_the_row() -> None:
    moved = replace(COMPARED, quality=("**quality** v1 → v2: `mae|a 0.04 -> 0.03, fell in 1 of 1 model`",))
    text = render([switched(comparisons={"line-loading": moved})])
    quality = "**quality** v1 → v2: `mae\\|a 0.04 -> 0.03, fell in 1 of 1 model`"
    assert f"signed by ops-2026<br>d1 stays warm<br>{quality} |" in text


def test_a_version_on_standby_is_compared_by_its_metrics_only() -> None:
    standby = ServiceChange(
        ServiceState("line-loading", "g1", "d1", {"d1": D1}), ServiceState("line-loading", "g1", "d1", BOTH)
    )
    moved = Comparison(quality=("**quality** v1 → v2: `mae 0.04 -> 0.03, fell in 1 of 1 model`",))
    text = render([switched(changes=[standby], comparisons={"line-loading": moved})])
    assert "| north | line-loading | create d2 (v2), 1 pod<br>**quality** v1 → v2: `mae 0.04" in text


def test_names_in_what_breaks_clients_are_no_markdown() -> None:
    breaking = replace(COMPARED, breaking=("input <!-- ` @grid FP64 [n] is gone",))
    text = render([switched(comparisons={"line-loading": breaking})])
    assert "clients of its URL may break: `input <!-- ' @grid FP64 [n] is gone`\n" in text


def test_what_is_wrong_in_many_places_is_told_once() -> None:
    findings = [Finding(Rule.LIMITS, f"Deployment d{number}", "no limit; set it") for number in (1, 2)]
    text = render([switched(findings=findings)])
    assert "> - **north**: Deployment d1, Deployment d2: no limit; set it (limits-are-set, mandatory)" in text


def test_a_region_without_a_preview_says_why_on_one_line() -> None:
    text = render(
        [switched(), RegionReport("east", "failed preview", errors=["no answer:\n connection refused"])]
    )
    assert "> - **east**: no preview: no answer: connection refused" in text
    assert "| east | | unknown: there is no preview |" in text


def test_what_a_store_says_cannot_break_the_table() -> None:
    odd = Comparison("models not compared: a | b", "signature not checked", is_trusted=None)
    text = render([switched(comparisons={"line-loading": odd})])
    assert "models not compared: a \\| b;" in text


def test_plans_are_folded_away_and_cannot_break_out_of_their_block() -> None:
    text = render([switched(details="a\n```\n<script>")])
    folded = text[text.index("<details>") :]
    assert folded.count("```") == 2


def test_a_comment_is_never_longer_than_github_takes() -> None:
    regions = [switched(region=f"r{number}", details="x" * 100_000) for number in range(5)]
    assert len(render(regions)) < 65_536


def test_so_is_one_with_more_rows_than_fit() -> None:
    changes = [
        ServiceChange(None, ServiceState(f"line-loading-{number}", "g1", "d1", BOTH))
        for number in range(2000)
    ]
    text = render([switched(changes=changes, comparisons={})])
    assert len(text) < 65_536
    assert text.endswith("... and more than fits; see `bluegrid preview report`\n")
    assert text.rstrip().splitlines()[-3].endswith(" |")


def test_what_is_done_beside_is_in_the_row_of_its_service_or_of_the_region() -> None:
    effects = Effects(["**store** of the whole stack: a → b"], {"line-loading": ["**host** a → b"]})
    rows = [line for line in render([switched(effects=effects)]).splitlines() if line.startswith("| north")]
    assert rows[0] == "| north | | **store** of the whole stack: a → b |"
    assert rows[1].endswith("<br>d1 stays warm<br>**host** a → b |")


def test_a_risk_of_several_services_is_told_once_and_one_of_the_region_names_none() -> None:
    risks = [Risk("a", "its URL goes"), Risk("b", "its URL goes"), Risk("", "credentials change")]
    text = render([switched(effects=Effects(risks=risks))])
    assert "> - **north · a, b**: its URL goes\n> - **north**: credentials change\n" in text
