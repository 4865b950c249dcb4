"""Check, the second stage of a push: each model has the set's type and uses only trusted names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.names import Source

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
        base_globals: the globals of the base version's models, if its manifest has them.

    Raises:
        ConfigError: a set of this source cannot hold the type.
    """

    def __init__(
        self,
        model_type: ModelType,
        source: Source | None = None,
        trust: Iterable[str] = (),
        *,
        base_globals: Iterable[str] | None = None,
    ) -> None:
        if model_type.runs_code and source is not Source.PLATFORM:
            raise ConfigError(
                f"{model_type} can run its author's code; only a set of `source: platform` holds it: "
                "push such models to one, or in a format that cannot"
            )
        self._type = model_type
        self._trusted = trusted_names(model_type, source, trust)
        self._globals = set(base_globals or ())

    @property
    def globals(self) -> tuple[str, ...] | None:
        """The names that the version's models use, for the manifest; None: the type cannot run code."""
        return tuple(sorted(self._globals)) or None

    def checked(self, models: Iterable[LoadedModel]) -> Iterator[LoadedModel]:
        """Yield each model as soon as it is checked."""
        # `map`, not a generator: a generator's frame would hold a model while its pack is sent.
        return map(self.check, models)

    def check(self, model: LoadedModel) -> LoadedModel:
        """Return the model if the set can hold it; otherwise FormatError with the model and the fault."""
        try:
            if self._type.names_in is None:
                self._type.check(model.data)
            else:
                try:
                    names = self._type.names_in(model.data)
                except FormatError:
                    # A wrong type is a better message than unreadable bytes.
                    self._type.check(model.data)
                    raise
                self._check_names(names)
        except FormatError as error:
            raise FormatError(f"model {model.uid}: {error}") from None
        return model

    def _check_names(self, names: frozenset[str]) -> None:
        if untrusted := names - self._trusted:
            raise FormatError(
                f"names what is not trusted: {', '.join(sorted(untrusted))}; {_remedy(untrusted)}"
            )
        if self._type.runs_code:
            self._globals |= names


def _remedy(untrusted: frozenset[str]) -> str:
    # Usually not on purpose: several libraries import dill, such as those for parallel computing.
    if any(name.startswith("dill.") for name in untrusted):
        return "joblib writes that where dill was imported before it: import joblib first"
    return "build it without, or add that to the set's `trust` once it is known to be harmless"
