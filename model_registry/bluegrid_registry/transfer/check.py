"""Check, the second stage of a push: models of the set's type, of trusted names and the same estimators."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.names import Source
from bluegrid_registry.transfer.kinds import Kinds
from bluegrid_registry.transfer.untrusted import Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.transfer.sources import LoadedModel


class ModelCheck:
    """Checks the models of one push, in one thread.

    Args:
        model_type: the type of the set.
        source: who defined the set; None is treated as a user.
        trust: names that the set trusts beside the harmless ones: types of skops, globals of pickles.
        set_id: the set, for messages.
        base_globals: the globals of the base version's models, if its manifest has them.
        is_mixed: whether the models may be of different estimators.

    Raises:
        ConfigError: a set of this source cannot hold the type.
    """

    def __init__(
        self,
        model_type: ModelType,
        source: Source | None = None,
        trust: Iterable[str] = (),
        *,
        set_id: str = "SET",
        base_globals: Iterable[str] | None = None,
        is_mixed: bool = False,
    ) -> None:
        if model_type.runs_code and source is not Source.PLATFORM:
            raise ConfigError(
                f"{model_type} can run its author's code; only a set of `source: platform` holds it: "
                "push such models to one, or in a format that cannot"
            )
        self._type = model_type
        self._trusted = trusted_names(model_type, source, trust)
        self._globals = set(base_globals or ())
        self._untrusted = Untrusted(set_id)
        self.kinds = Kinds(set_id, None if is_mixed else model_type.estimators_in)

    @property
    def globals(self) -> tuple[str, ...] | None:
        """The names that the version's models use, for the manifest; None: the type cannot run code."""
        return tuple(sorted(self._globals)) or None

    def checked(self, models: Iterable[LoadedModel]) -> Iterator[LoadedModel]:
        """Yield each model as soon as it is checked.

        After a model with a fault none is yielded, but all are read: the error at the end tells of all.

        Raises:
            FormatError: the set cannot hold the models; the message names them and the fault.
        """
        # `map`, not a generator: a generator's frame would hold a model while its pack is sent.
        return chain(filter(None, map(self._accepted, models)), self._end())

    def check(self, model: LoadedModel) -> LoadedModel:
        """Return the model with its names if the set can hold it; otherwise FormatError with its fault."""
        names = self._read(model)
        self._refuse()
        return model._replace(names=names)

    def _accepted(self, model: LoadedModel) -> LoadedModel | None:
        try:
            self._read(model)
        except FormatError:
            if not self._has_fault:
                raise
        return None if self._has_fault else model

    def _end(self) -> Iterator[LoadedModel]:
        self._refuse()
        yield from ()

    @property
    def _has_fault(self) -> bool:
        return bool(self._untrusted) or self.kinds.differ

    def _refuse(self) -> None:
        self._untrusted.refuse()
        self.kinds.refuse()

    def _read(self, model: LoadedModel) -> frozenset[str] | None:
        """Read what a model is and return what it names; FormatError if it is not of the type."""
        try:
            if self._type.names_in is None:
                self._type.check(model.data)
                self.kinds.add(model.uid, model.data, None)
                return None
            names = model.names
            if names is None:
                try:
                    names = self._type.names_in(model.data)
                except FormatError:
                    # A wrong type is a better message than unreadable bytes.
                    self._type.check(model.data)
                    raise
            self._read_names(model, names)
        except FormatError as error:
            raise FormatError(f"model {model.uid}: {error}") from None
        return names

    def _read_names(self, model: LoadedModel, names: frozenset[str]) -> None:
        if untrusted := names - self._trusted:
            self._untrusted.add(model.uid, untrusted)
        else:
            self.kinds.add(model.uid, model.data, names)
        if self._type.runs_code:
            self._globals |= names
