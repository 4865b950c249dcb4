"""The names in models that their set does not trust: collected over all models, then refused at once."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, UntrustedNames
from bluegrid_registry.model_types.never_offered import why_not_offered
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Untrusted:
    """The untrusted names of a push.

    Args:
        set_id: the set, for the command that trusts the names.
    """

    def __init__(self, set_id: str) -> None:
        self._set_id = set_id
        self._models: dict[str, list[str]] = defaultdict(list)
        """UIDs of the models that name each name."""

    def __bool__(self) -> bool:
        return bool(self._models)

    def add(self, uid: str, names: Iterable[str]) -> None:
        """Record the untrusted names of a model."""
        for name in names:
            self._models[name].append(uid)

    def refuse(self) -> None:
        """Raise FormatError if there is a name: an UntrustedNames if the set may trust all of them."""
        if not self._models:
            return
        names = sorted(self._models)
        never = {name: reason for name in names if (reason := why_not_offered(name)) is not None}
        if never:
            reason = min(never.values())
            same = [name for name in names if never.get(name) == reason]
            raise FormatError(f"{self._named(same)}; {reason}")
        options = " ".join(f"--trust {shlex.quote(name)}" for name in names)
        raise UntrustedNames(
            self._named(names),
            Remedy.TRUST_NAMES,
            {name: tuple(self._models[name]) for name in names},
            set=self._set_id,
            options=options,
        )

    def _named(self, names: Sequence[str]) -> str:
        uids = list(dict.fromkeys(uid for name in names for uid in self._models[name]))
        several = len(uids) > 1
        who = f"models {min(uids)} and {len(uids) - 1} more: name" if several else f"model {uids[0]}: names"
        return f"{who} what is not trusted: {', '.join(names)}"
