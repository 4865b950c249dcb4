"""The comment on a pull request: risks first, then a row for each region and service, plans folded away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid.previews.effects import Effects
from bluegrid.previews.service_sentences import risks_of, sentences_of
from bluegrid.previews.wording import listed
from bluegrid_registry.model_types.signature import in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bluegrid.previews.plan import Excerpt
    from bluegrid.previews.rules import Finding
    from bluegrid.previews.service_sentences import Risk
    from bluegrid.previews.version_comparison import Comparison
    from bluegrid.states import ServiceChange

PREVIEW_ALL = "preview-all"
"""Label of a request whose previews cover all services."""
MARK = "<!-- bluegrid preview-report -->"
"""Marks the comment, so that the next report replaces it."""

_MAX = 65_000
"""Characters of a comment: GitHub takes 65,536."""
_AROUND = 200
"""Characters around a folded plan: its summary and fences."""


_NAMED = 10
"""How many of the services that wait are named."""
_DIGITS = 10
"""Digits of a commit."""
_WHOLE = f"- All services are previewed at night, and here with the label `{PREVIEW_ALL}`."


@dataclass(frozen=True)
class RegionReport:
    """The effects of an update in one region.

    Attributes:
        region: name of the stack.
        source: of the report: a preview of the stack, or the registry files alone.
        changes: of every service.
        comparisons: by name of a service with a version that is new in it, or newly gets requests.
        effects: what else the preview does; empty without a preview.
        findings: broken rules.
        errors: why there is no preview.
        details: the plan as text.
        excerpt: the services that the preview covers; None: all.
    """

    region: str
    source: str
    changes: Sequence[ServiceChange] = ()
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    effects: Effects = field(default_factory=Effects)
    findings: Sequence[Finding] = ()
    errors: Sequence[str] = ()
    details: str = ""
    excerpt: Excerpt | None = None


def render(regions: Sequence[RegionReport]) -> str:
    """Return the comment in GitHub's Markdown."""
    parts = [MARK, f"## bluegrid preview: {', '.join(each.region for each in regions)}"]
    if warnings := list(_warnings(regions)):
        parts.append("\n".join(["> [!WARNING]", *(f"> - {line}" for line in warnings)]))
    parts.append("\n".join(_table(regions)))
    if covered := list(_covered(regions)):
        parts.append("\n".join([*covered, _WHOLE]))
    head = _cut("\n\n".join(parts))
    return "\n\n".join([head, *_details(regions, _MAX - len(head))]) + "\n"


def _warnings(regions: Sequence[RegionReport]) -> Iterator[str]:
    for region in regions:
        for error in region.errors:
            yield f"**{region.region}**: no preview: {_line(error)}"
        risks = [risk for change in region.changes for risk in risks_of(change)]
        for message, services in _by_message([*risks, *region.effects.risks]).items():
            yield f"**{' · '.join(filter(None, (region.region, ', '.join(services))))}**: {message}"
        for change in region.changes:
            comparison = region.comparisons.get(change.name)
            if comparison is not None and comparison.is_trusted is False:
                yield f"**{region.region} · {change.name}**: {comparison.signature}"
            if comparison is not None and comparison.breaking:
                # Names of tensors come from model files, so they are code and no Markdown.
                faults = in_one_line(comparison.breaking).replace("`", "'")
                yield f"**{region.region} · {change.name}**: clients of its URL may break: `{faults}`"
        for message, places in _grouped(region.findings).items():
            yield f"**{region.region}**: {', '.join(places)}: {message}"


def _covered(regions: Sequence[RegionReport]) -> Iterator[str]:
    """Yield what the previews of some services cover, and what else waits."""
    for region in regions:
        excerpt = region.excerpt
        if excerpt is None:
            continue
        services = listed(excerpt.services) or "no service, since the files of none have changed"
        yield f"- **{region.region}**: the preview covers {services}. {_waiting(excerpt)}".rstrip()


def _waiting(excerpt: Excerpt) -> str:
    if excerpt.applied is None or not excerpt.waiting:
        return ""
    some = excerpt.waiting[:_NAMED]
    more = f" and {len(excerpt.waiting) - _NAMED} more" if len(excerpt.waiting) > _NAMED else ""
    return (
        f"Not shown, and part of the next `pulumi up`: {', '.join(some)}{more}, changed since commit "
        f"{excerpt.applied[:_DIGITS]}, which was applied last."
    )


def _by_message(risks: Iterable[Risk]) -> dict[str, list[str]]:
    """Group services by risk; a risk of the region has an empty service name."""
    services: dict[str, list[str]] = {}
    for each in risks:
        services.setdefault(_line(each.message), []).append(each.service)
    return services


def _grouped(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Group the places of findings by message."""
    places: dict[str, list[str]] = {}
    for each in sorted(findings, key=lambda finding: finding.place):
        places.setdefault(f"{each.message} ({each.rule}, {each.level})", []).append(each.place)
    return places


def _table(regions: Sequence[RegionReport]) -> Iterator[str]:
    yield "| region | service | what happens |"
    yield "| --- | --- | --- |"
    for region in regions:
        for service, sentences in _rows(region).items():
            yield f"| {region.region} | {service}{' ' if service else ''}| {_cell(sentences)} |"


def _rows(region: RegionReport) -> dict[str, list[str]]:
    """Return the sentences by service; the empty name stands for the region."""
    if region.errors:
        return {"": ["unknown: there is no preview"]}
    rows = {"": list(region.effects.region)}
    for change in region.changes:
        rows[change.name] = list(_sentences(change, region.comparisons.get(change.name)))
    for service, sentences in region.effects.services.items():
        rows[service] = [*rows.get(service, ()), *sentences]
    if region.excerpt is not None and not region.excerpt.services:
        return {"": ["nothing changes: no service is concerned"]}
    nothing = {"": [f"nothing changes; services: {len(region.changes)}"]}
    return {service: sentences for service, sentences in rows.items() if sentences} or nothing


def _cell(sentences: Iterable[str]) -> str:
    return "<br>".join(_line(sentence).replace("|", "\\|") for sentence in sentences)


def _sentences(change: ServiceChange, comparison: Comparison | None) -> Iterator[str]:
    for number, sentence in enumerate(sentences_of(change)):
        if number == 0 and comparison is not None and comparison.models:
            yield f"{sentence}: {comparison.models}; {comparison.signature}"
        else:
            yield sentence
    yield from comparison.quality if comparison is not None else ()


def _cut(head: str) -> str:
    """Cut warnings and table to the whole lines that fit; the plan has what is left out."""
    if len(head) <= _MAX:
        return head
    fits, _, _ = head[:_MAX].rpartition("\n")
    return f"{fits}\n\n... and more than fits; see `bluegrid preview report`"


def _details(regions: Sequence[RegionReport], left: int) -> Iterator[str]:
    # The same number of characters for each region, less summary and fences.
    left = left // max(1, len(regions)) - _AROUND
    for region in regions:
        if region.details and left > 0:
            # Keep the end, which has the counts.
            cut = region.details[-left:]
            text = cut if cut == region.details else f"... {cut}"
            fence = "```"
            yield (
                f"<details><summary>{region.region}: {region.source}</summary>\n\n"
                f"{fence}text\n{text.replace(fence, '` ` `')}\n{fence}\n\n</details>"
            )


def _line(text: str) -> str:
    return " ".join(text.split())
