"""Models loaded from a version's files: all of them, or the most recently used."""

from __future__ import annotations

from collections import Counter, OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.counts import counted
from bluegrid_registry.errors import ModelError
from bluegrid_server.errors import LoadError
from bluegrid_server.frameworks.compiler import LINEAR, ONNX, TREES
from bluegrid_server.models.model_pool import ModelPool, unloaded
from bluegrid_server.models.reproduce import reproduce
from bluegrid_server.models.version import load
from bluegrid_server.protocol.model_state import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid_server.models.shared_trees import TreeBlock
    from bluegrid_server.models.trial import Trials
    from bluegrid_server.models.version import LoadableVersion, ServedModel
    from bluegrid_server.settings import Settings

NOT_IN_MEMORY = "not in memory; loaded on the first request"
"""Reason of a model that is ready but takes longer the first time."""

_REPORT_EVERY = 100
"""Number of loaded models between two lines of progress."""
_PAGE = 4096
_STATM = Path("/proc/self/statm")


class FilePool(ModelPool):
    """Models loaded from files on their first request; over budget, the least recently used are dropped.

    Args:
        version: the files.
        settings: of the pod; messages name its set and version.
        budget: maximum memory of the models, in bytes; None: no limit.
        trials: run for models without a recorded example; None: no trials.
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

    def load_all(self, say: Callable[[str], None], trees: TreeBlock | None = None) -> int:
        """Load and prove every model; return how many recorded examples reproduced.

        Args:
            say: called with each line of progress.
            trees: receives the tables of trees, from which models then answer; None: models keep theirs.

        Raises:
            ModelError: a model cannot be loaded, or does not answer as recorded.
        """
        # In one thread: building a model from a small file holds the interpreter's lock (measured: four
        # threads take twice as long).
        say(f"{self._place}: loading {counted(len(self), 'model')}")
        examples = 0
        for number, uid in enumerate(self._version.rows, start=1):
            examples += self._prove(uid)
            if trees is not None:
                trees.add(self._models[uid])
            if number % _REPORT_EVERY == 0:
                say(f"{self._place}: {number} of {len(self)} models loaded")
        if trees is not None:
            trees.finish()
        if self._version.compiler is not None:
            say(f"{self._place}: {self._accelerated()}")
        return examples

    def prove_examples(self, say: Callable[[str], None]) -> int:
        """Load and prove the models that have recorded examples; return how many examples reproduced.

        Raises:
            ModelError: a model cannot be loaded, or does not answer as recorded.
        """
        models = counted(len(self._version.examples), "model")
        say(f"{self._place}: answering the recorded examples of {models}")
        return sum(map(self._prove, self._version.examples))

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
        """Load a model, even if it was unloaded; raise LoadError on failure."""
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
        counts = Counter(self._accelerations.values())
        trees, graphs, linear = (counts.pop(how, 0) for how in (TREES, ONNX, LINEAR))
        alone = counts.total()
        (reason, count), *_ = counts.most_common(1) or [(None, 0)]
        commonest = f": {reason} ({count} of them)" if reason else ""
        return (
            f"of {len(self)} models {linear + trees} are computed without their framework ({linear} linear, "
            f"{trees} of trees), {graphs} by ONNX Runtime, {alone} by themselves{commonest}"
        )

    def _prove(self, uid: str) -> int:
        """Load and prove a model; return how many recorded examples it has."""
        try:
            examples = self._version.examples.get(uid, ())
            served = self._models.get(uid) or self._load(uid)
            if examples:
                reproduce(served.model, examples)
            elif self._trials is not None:
                self._trials.run(uid, served.model, served.defaults)
        except ModelError as error:
            raise ModelError(f"{self._place}: model {uid} {error}") from error
        return len(examples)

    def _load(self, uid: str) -> ServedModel:
        before = _resident() if self._budget is not None else 0
        served = load(self._version, uid)
        self._models[uid] = served
        self._faults.pop(uid, None)
        self._accelerations[uid] = served.acceleration
        if self._budget is not None:
            # The growth of the process is the better measure, but it is 0 if the model reuses freed memory.
            # A model takes at least the size of its file.
            self._bytes[uid] = max(self._version.rows[uid].raw_length, _resident() - before)
            self._total += self._bytes[uid]
            while self._total > self._budget and len(self._models) > 1:
                self._drop(next(iter(self._models)))
        return served


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * _PAGE
