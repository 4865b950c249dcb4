"""What a `pulumi preview` means for the services: what is switched, made, scaled, deleted, and what is risky.

    pulumi preview ─> plan ─────────┐
                                    ├─> bluegrid.states ─> changes ─> report (Markdown, for a pull request)
    registry files, old and new ────┘                         │
          plan ─> differences ─> topics ─> effects ───────────┤  (what the states do not show)
    files and settings ─> scope: the services that a change concerns, which alone are previewed
                     plan ─> rules ───────────────────────────┘  (also run by `bluegrid check`)

Only data: neither Pulumi nor Kubernetes is imported or called.
"""

from __future__ import annotations

from bluegrid.previews.effects import Effects, effects_of, planned_changes
from bluegrid.previews.plan import Excerpt, Plan, PlannedStep, read_plan
from bluegrid.previews.report import MARK, PREVIEW_ALL, RegionReport, render
from bluegrid.previews.rules import Finding, Level, PolicyError, Rule, check_objects, check_plan, check_stack
from bluegrid.previews.service_sentences import Risk, risks_of, sentences_of
from bluegrid.previews.version_comparison import Comparison, compare

__all__ = [
    "MARK",
    "PREVIEW_ALL",
    "Comparison",
    "Effects",
    "Excerpt",
    "Finding",
    "Level",
    "Plan",
    "PlannedStep",
    "PolicyError",
    "RegionReport",
    "Risk",
    "Rule",
    "check_objects",
    "check_plan",
    "check_stack",
    "compare",
    "effects_of",
    "planned_changes",
    "read_plan",
    "render",
    "risks_of",
    "sentences_of",
]
