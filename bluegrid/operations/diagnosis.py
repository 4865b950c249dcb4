"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check of `bluegrid doctor`.

    Attributes:
        what: the thing that was checked.
        is_well: whether it is in order.
        text: the result; for a fault, with the remedy.
        is_risk: whether it is in order, but one fault away from an outage.
        is_known: whether it could be checked; if not, the text says why, and who can check it.
    """

    what: str
    is_well: bool
    text: str
    is_risk: bool = False
    is_known: bool = True
