"""Models loaded from a version's files: all of them, or the most recently used."""

from __future__ import annotations

from collections import Counter, OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ModelError
from bluegrid_server.errors import LoadError
from bluegrid_server.frameworks.compiler import ONNX
from bluegrid_server.models.model_pool import ModelPool, unloaded
from bluegrid_server.models.version import load, reproduce
from bluegrid_server.protocol.model_state import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid_server.models.trial import Trials
    from bluegrid_server.models.version import LoadableVersion, ServedModel
    from bluegrid_server.settings import Settings

NOT_IN_MEMORY = "not in memory; loaded on the first request"
"""Why a model that is ready may take longer the first time."""

_TELL_EVERY = 100
_PAGE = 4096
_STATM = Path("/proc/self/statm")


class FilePool(ModelPool):
    """Models loaded from files on their first request; for lack of memory, the least recently used go.

    Args:
        version: the files.
        settings: of which set and version they are.
        budget: bytes that the models may take; None: no limit.
        trials: of models without a recorded example; None: they are believed to answer.
    """

    def __init__(
        self,
        version: LoadableVersion,
        settings: Settings,
        budget: int | None = None,
        trials: Trials | None = None,
    ) -> None:
        self._version = version
        self._place = settings.place
        self._budget = budget
        self._trials = trials
        self._models: OrderedDict[str, ServedModel] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._total = 0
        self._faults: dict[str, str] = {}
        self._unloaded: set[str] = set()
        self._accelerations: dict[str, str | None] = {}

    def load_all(self, say: Callable[[str], None]) -> int:
        """Load and prove every model; return how many recorded examples reproduced.

        Raises:
            ModelError: a model cannot be loaded, or does not answer as recorded.
        """
        # One after the other: building a model from a small file holds the interpreter's lock, so that
        # threads only take turns (measured: twice as slow with four).
        say(f"{self._place}: loading {len(self)} models")
        for number, uid in enumerate(self._version.rows, start=1):
            self._prove(uid)
            if number % _TELL_EVERY == 0:
                say(f"{self._place}: {number} of {len(self)} models loaded")
        if self._version.compiler is not None:
            say(f"{self._place}: {self._accelerated()}")
        return self._version.examples

    def prove_examples(self, say: Callable[[str], None]) -> int:
        """Load and prove the models that have recorded examples; return how many there are.

        Raises:
            ModelError: a model cannot be loaded, or does not answer as recorded.
        """
        say(f"{self._place}: answering {self._version.examples} recorded examples")
        for uid, row in self._version.rows.items():
            if row.example is not None:
                self._prove(uid)
        return self._version.examples

    def __getitem__(self, uid: str) -> ServedModel:
        """Return the model of a UID."""
        served = self._models.get(uid)
        if served is not None:
            if self._budget is not None:
                self._models.move_to_end(uid)
            return served
        if uid not in self._version.rows:
            raise KeyError(uid)
        if uid in self._unloaded:
            raise unloaded(uid)
        try:
            return self._load(uid)
        except ModelError as error:
            self._faults[uid] = str(error)
            raise LoadError(f"model {uid} {error}") from error

    def __contains__(self, uid: object) -> bool:
        return uid in self._version.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._version.rows)

    def __len__(self) -> int:
        return len(self._version.rows)

    @property
    def loaded(self) -> int:
        """Number of models in memory."""
        return len(self._models)

    def state(self, uid: str) -> tuple[ModelState, str]:
        """Return the state of a model as the protocol names it, and the reason."""
        if uid in self._models:
            return ModelState.READY, ""
        if uid in self._unloaded:
            return ModelState.UNAVAILABLE, "unloaded"
        if uid in self._faults:
            return ModelState.UNAVAILABLE, self._faults[uid]
        return ModelState.READY, NOT_IN_MEMORY

    def load(self, uid: str) -> None:
        """Load a model, also one that was unloaded; LoadError if that fails."""
        self._unloaded.discard(uid)
        self[uid]

    def unload(self, uid: str) -> None:
        """Drop a model and keep it from answering until it is loaded again."""
        self._unloaded.add(uid)
        self._drop(uid)

    def _drop(self, uid: str) -> None:
        if self._models.pop(uid, None) is not None:
            self._total -= self._bytes.pop(uid, 0)

    def _accelerated(self) -> str:
        by_how = Counter(self._accelerations.values())
        compiled, alone = by_how.pop(ONNX, 0), by_how.total()
        (why, count), *_ = by_how.most_common(1) or [(None, 0)]
        reason = f": {why} ({count} of them)" if why else ""
        return f"{compiled} of {len(self)} models run by ONNX Runtime, {alone} by themselves{reason}"

    def _prove(self, uid: str) -> None:
        example = self._version.rows[uid].example
        try:
            served = self._models.get(uid) or self._load(uid)
            if example is not None:
                reproduce(served.model, example)
            elif self._trials is not None:
                self._trials.run(uid, served.model)
        except ModelError as error:
            raise ModelError(f"{self._place}: model {uid} {error}") from error

    def _load(self, uid: str) -> ServedModel:
        before = _resident()
        served = load(self._version, uid)
        self._models[uid] = served
        self._faults.pop(uid, None)
        self._accelerations[uid] = served.acceleration
        if self._budget is not None:
            # A file's size is the least that its model takes; what the process grew by is more to the point,
            # but nothing where the model took memory that another one had left.
            self._bytes[uid] = max(self._version.rows[uid].raw_length, _resident() - before)
            self._total += self._bytes[uid]
            while self._total > self._budget and len(self._models) > 1:
                self._drop(next(iter(self._models)))
        return served


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * _PAGE
