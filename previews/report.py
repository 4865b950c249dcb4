"""The comment on a pull request: risks first, then a row for each region and service, plans folded away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from previews.changes import ServiceChange
    from previews.comparing import Comparison
    from previews.rules import Finding

MARK = "<!-- bluegrid preview-report -->"
"""By this the comment is found again, to be written anew in its place."""

_MAX_DETAILS = 50_000
"""Characters of all folded plans: GitHub takes 65,536 in a comment."""


@dataclass(frozen=True)
class RegionReport:
    """What an update does in one region.

    Attributes:
        region: name of the stack.
        source: how it was found out: a preview of the stack, or the registry files alone.
        changes: of every service.
        comparisons: by service, of those that are switched.
        findings: rules that do not hold.
        errors: why there is no preview.
        details: the plan for people.
    """

    region: str
    source: str
    changes: Sequence[ServiceChange] = ()
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    errors: Sequence[str] = ()
    details: str = ""


def render(regions: Sequence[RegionReport]) -> str:
    """Return the comment in GitHub's Markdown."""
    parts = [MARK, f"## bluegrid preview: {', '.join(each.region for each in regions)}"]
    if warnings := list(_warnings(regions)):
        parts.append("\n".join(["> [!WARNING]", *(f"> - {line}" for line in warnings)]))
    parts.append("\n".join(_table(regions)))
    parts += _details(regions)
    return "\n\n".join(parts) + "\n"


def _warnings(regions: Sequence[RegionReport]) -> Iterator[str]:
    for region in regions:
        for error in region.errors:
            yield f"**{region.region}**: no preview: {_line(error)}"
        for change in region.changes:
            for risk in change.risks():
                yield f"**{region.region} · {risk.service}**: {risk.message}"
            comparison = region.comparisons.get(change.name)
            if comparison is not None and comparison.is_trusted is False:
                yield f"**{region.region} · {change.name}**: {comparison.signature}"
        for told, places in _grouped(region.findings).items():
            yield f"**{region.region}**: {', '.join(places)}: {told}"


def _grouped(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Return where the same is wrong, by what it is."""
    places: dict[str, list[str]] = {}
    for each in sorted(findings, key=lambda finding: finding.place):
        places.setdefault(f"{each.message} ({each.rule}, {each.level})", []).append(each.place)
    return places


def _table(regions: Sequence[RegionReport]) -> Iterator[str]:
    yield "| region | service | what happens |"
    yield "| --- | --- | --- |"
    for region in regions:
        changed = [change for change in region.changes if not change.is_nothing]
        for change in changed:
            sentences = _sentences(change, region.comparisons.get(change.name))
            told = "<br>".join(sentence.replace("|", "\\|") for sentence in sentences)
            yield f"| {region.region} | {change.name} | {told or 'changes that touch no cluster'} |"
        if region.errors:
            yield f"| {region.region} | | unknown: there is no preview |"
        elif not changed:
            yield f"| {region.region} | | nothing changes; services: {len(region.changes)} |"


def _sentences(change: ServiceChange, comparison: Comparison | None) -> Iterator[str]:
    for number, sentence in enumerate(change.sentences()):
        if number == 0 and comparison is not None:
            yield f"{sentence}: {comparison.models}; {comparison.signature}"
        else:
            yield sentence


def _details(regions: Sequence[RegionReport]) -> Iterator[str]:
    left = _MAX_DETAILS // max(1, len(regions))
    for region in regions:
        if region.details:
            # From the end: what is counted stands there.
            cut = region.details[-left:]
            text = cut if cut == region.details else f"... {cut}"
            fence = "```"
            yield (
                f"<details><summary>{region.region}: {region.source}</summary>\n\n"
                f"{fence}text\n{text.replace(fence, '` ` `')}\n{fence}\n\n</details>"
            )


def _line(text: str) -> str:
    return " ".join(text.split())
