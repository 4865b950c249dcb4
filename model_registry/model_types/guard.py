"""The guard of a push: each model is of the set's type, names nothing untrusted, and is like its siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_registry.errors import ConfigError, FormatError
from model_registry.registry_files.schema import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from model_registry.model_types.model_type import ModelType


class TypeGuard:
    """Sees every model of one push, from one thread.

    Args:
        model_type: the type of the set.
        source: whose set it is; None, which nobody vouches for, is treated as a user's.
        trust: what the set trusts beside what is known to be harmless: types of skops, globals of pickles.
        base_globals: the globals of the base version's models, if its manifest tells them.
        base: what messages call the base version.

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
        base: str = "the base version",
    ) -> None:
        if model_type.runs_code and source is not Source.PLATFORM:
            raise ConfigError(
                f"{model_type} can run its author's code; only a set of `source: platform` holds it: "
                "push such models to one, or in a format that cannot"
            )
        self._type = model_type
        self._trusted = model_type.trusted | frozenset(trust)
        self._globals = None if base_globals is None else frozenset(base_globals)
        self._sibling = base

    @property
    def globals(self) -> tuple[str, ...] | None:
        """What every model names, for the manifest; None: the type has none that must be alike."""
        return tuple(sorted(self._globals)) if self._globals is not None else None

    def check(self, uid: str, data: bytes) -> None:
        """Raise FormatError, which names the model and what is odd about it, unless it may join the set."""
        try:
            if self._type.names_in is None:
                self._type.check(data)
            else:
                self._check_names(uid, self._names_in(data, self._type.names_in))
        except FormatError as error:
            raise FormatError(f"model {uid}: {error}") from None

    def _names_in(self, data: bytes, names_in: Callable[[bytes], frozenset[str]]) -> frozenset[str]:
        try:
            return names_in(data)
        except FormatError:
            # What the bytes are instead says more than why they cannot be read.
            self._type.check(data)
            raise

    def _check_names(self, uid: str, names: frozenset[str]) -> None:
        if strangers := names - self._trusted:
            raise FormatError(
                f"names what is not trusted: {', '.join(sorted(strangers))}; "
                "build it without, or add that to the set's `trust` once it is known to be harmless"
            )
        if not self._type.runs_code:
            return
        if self._globals is None:
            self._globals, self._sibling = names, f"model {uid}"
        if names != self._globals:
            differs = [
                f"{verb} {', '.join(sorted(some))}"
                for verb, some in (("also", names - self._globals), ("not", self._globals - names))
                if some
            ]
            raise FormatError(
                f"is the odd one out beside {self._sibling}: it names {' and '.join(differs)}; "
                "a set holds models of one kind"
            )
