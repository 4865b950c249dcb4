"""The kinds of the models in a version: the estimators of which each was composed.

The models of a set have the same estimators, or the set says `kinds: mixed`: of a thousand devices' models,
one that is something else usually got there by mistake. Only the files of scikit-learn name estimators.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_NAMED = 3
"""Number of kinds that a refusal describes beside the commonest."""


@dataclass
class _Kind:
    estimators: tuple[str, ...]
    uids: list[str] = field(default_factory=list)

    def described(self, *, in_full: bool) -> str:
        outer, *inner = (name if in_full else name.rpartition(".")[2] for name in self.estimators)
        return f"{outer} ({', '.join(inner)})" if inner else outer

    def models(self) -> str:
        return min(self.uids) + (f" and {len(self.uids) - 1} more" if len(self.uids) > 1 else "")


class Kinds:
    """The kinds of a push.

    Args:
        set_id: the set, for the command that allows several kinds.
        estimators_in: of the set's type; None: models are not compared.
    """

    def __init__(self, set_id: str, estimators_in: Callable[[bytes], tuple[str, ...]] | None) -> None:
        self._set_id = set_id
        self._estimators_in = estimators_in
        self._kinds: dict[frozenset[str], _Kind] = {}
        self._by_names: dict[frozenset[str], _Kind] = {}

    @property
    def are_compared(self) -> bool:
        """Whether the set has a rule for kinds, and any model is of a known kind."""
        return self._estimators_in is not None and bool(self._kinds)

    @property
    def differ(self) -> bool:
        """Whether there are models of different kinds."""
        return len(self._kinds) > 1

    def add(self, uid: str, data: bytes, names: frozenset[str] | None) -> None:
        """Record a model's kind.

        Args:
            uid: the model.
            data: its bytes.
            names: all names in it; None: unknown. Of models with the same names only the first is read: they
                are of one kind.

        Raises:
            FormatError: the model cannot be read.
        """
        if self._estimators_in is None:
            return
        kind = self._by_names.get(names) if names is not None else None
        if kind is None:
            estimators = self._estimators_in(data)
            # A file without a known estimator is compared with none; a pod says whether it is a model.
            kind = (
                self._kinds.setdefault(frozenset(estimators), _Kind(estimators)) if estimators else _Kind(())
            )
            if names is not None:
                self._by_names[names] = kind
        kind.uids.append(uid)

    def refuse(self) -> None:
        """Raise FormatError if there are models of different kinds; it names those of the rarer kinds."""
        if self.differ:
            *odd, most = sorted(self._kinds.values(), key=lambda kind: len(kind.uids))
            raise self._refused(odd, most, f"the others ({most.models()})")

    def refuse_beside(self, version: str, uid: str, data: bytes) -> None:
        """Raise FormatError if the models differ from one of the version that they are added to.

        Args:
            version: the base version.
            uid: a model of it that stays.
            data: the bytes of that model.
        """
        if self._estimators_in is None or not (estimators := self._estimators_in(data)):
            return
        if odd := [kind for key, kind in self._kinds.items() if key != frozenset(estimators)]:
            raise self._refused(odd, _Kind(estimators, [uid]), f"the models of version {version} ({uid}, …)")

    def _refused(self, odd: Iterable[_Kind], most: _Kind, others: str) -> FormatError:
        odd = list(odd)
        short = {kind.described(in_full=False) for kind in (*odd, most)}
        in_full = len(short) <= len(odd)
        named = [f"{kind.models()} of {kind.described(in_full=in_full)}" for kind in odd[:_MOST_NAMED]]
        more = len(odd) - _MOST_NAMED
        named += [f"{more} more kinds"] if more > 0 else []
        return FormatError(
            f"not of the same estimators: {', '.join(named)}, {others} of {most.described(in_full=in_full)}",
            Remedy.MIX_KINDS,
            set=self._set_id,
        )
