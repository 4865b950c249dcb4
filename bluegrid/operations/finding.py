"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """One check.

    Attributes:
        what: was checked.
        is_well: whether it is in order.
        text: what was found; where it is not in order also what to do.
        is_risk: whether it is in order, and one fault away from an outage.
        is_known: whether it could be checked; where not, the text says why, and who can.
    """

    what: str
    is_well: bool
    text: str
    is_risk: bool = False
    is_known: bool = True
