"""A service is switched by somebody who asks for it: the operator, or a program of theirs.

    switches    what is asked for, and what has become of it
    journal     all of them
    switcher    makes them so, one after the other, beside the updates: a rollback waits for no training

YAML, stacks and checks are those of `bluegrid/promotion/`: nothing is switched behind anybody's back.
"""

from __future__ import annotations

from bluegrid.updates.switches.journal import SwitchJournal
from bluegrid.updates.switches.switcher import RehearsedRegion, Switcher
from bluegrid.updates.switches.switches import Switch, SwitchState, SwitchWanted

__all__ = ["RehearsedRegion", "Switch", "SwitchJournal", "SwitchState", "SwitchWanted", "Switcher"]
