"""OpenSTEF's interface of a storage: it reads runs from versions of a set, and collects new ones in memory.

OpenSTEF 4.7 has one such interface, the class `MLFlowStorage`. Its callback calls it, and has all of the
rules: when a model is recent enough, which of two models is better, which tags must be equal.
"""

from __future__ import annotations

import io
import logging
import threading
import uuid
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from openstef_core.exceptions import ModelNotFoundError, OpenSTEFVersionCompatibilityError
from openstef_core.versioning import (
    OPENSTEF_VERSION_TAG,
    get_runtime_openstef_version,
    is_openstef_compatible,
)
from openstef_models.integrations.mlflow import MLFlowStorage
from openstef_models.mixins.model_serializer import ModelSerializer  # noqa: TC002 - of a field
from pydantic import ConfigDict, Field, PrivateAttr

from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.model_file import load_model
from bluegrid_openstef.runs import RUN_NAME, KnownRun, TrainedModel, lineage_of
from bluegrid_openstef.serializer import PickleSerializer
from bluegrid_openstef.training_holidays import keep_holidays_of_training
from bluegrid_registry import ConfigError, FormatError, ModelError, Source, sha256_hex
from bluegrid_registry.names import check_uid
from bluegrid_registry.transfer.check import ModelCheck
from bluegrid_registry.transfer.sources import LoadedModel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from mlflow.entities import Run
    from openstef_core.mixins import HyperParams

    from bluegrid_openstef.history import RunHistory
    from bluegrid_registry import Lineage

log = logging.getLogger(__name__)

_OF_MLFLOW = frozenset(
    {
        "artifact_location",
        "client",
        "enable_mlflow_stdout",
        "model_path",
        "registry_uri",
        "tracking_uri",
        "uri_exceptions",
    }
)
"""Settings of `MLFlowStorage` that mean nothing where there is no MLflow."""
_FINISHED = "attribute.status = 'FINISHED'"
_NEWEST_FIRST = ("start_time DESC",)
"""OpenSTEF's own search: all runs that a version has are finished, and are found in this order."""


@dataclass
class _RunUnderWay:
    """A run between its beginning and its end."""

    uid: str
    tags: dict[str, str]
    params: dict[str, str]
    content: bytes | None = field(default=None, repr=False)
    names: frozenset[str] | None = field(default=None, repr=False)
    data: str | None = None
    """The extent of the training data, as the lineage has it."""
    scratch: TemporaryDirectory[str] | None = None
    """Folder of the data and plots of OpenSTEF that are not kept; deleted with the process at the latest."""


class CollectingStorage(MLFlowStorage):  # type: ignore[misc]
    """A storage whose new runs stay in memory, and whose earlier runs are those of a set's versions.

    Attributes:
        set_id: the model set.
        author: who trains, for the lineage of models.
        commit: the commit of the training's code, for the same.
        local_artifacts_path: where training data and plots of each run stay; by default, they are deleted.
        model_serializer: writes the files of models; what it writes, `joblib.load` must read.
    """

    model_config = ConfigDict(extra="forbid")

    set_id: str
    author: str | None = "OpenSTEF"
    commit: str | None = None
    local_artifacts_path: Path | None = Field(default=None)
    model_serializer: ModelSerializer = Field(default_factory=PickleSerializer)

    _history: RunHistory | None = PrivateAttr(default=None)
    _trust: frozenset[str] = PrivateAttr(default=TYPE.trusted)
    _under_way: dict[str, _RunUnderWay] = PrivateAttr(default_factory=dict)
    _trained: dict[str, TrainedModel] = PrivateAttr(default_factory=dict)
    _lock: threading.RLock = PrivateAttr(default_factory=threading.RLock)

    def model_post_init(self, _: Any) -> None:
        """Refuse what only MLflow understands, in place of connecting to it."""
        if given := self.model_fields_set & _OF_MLFLOW:
            raise ConfigError(f"{min(given)}: is of MLflow, and {type(self).__name__} has none; leave it out")

    def read_from(self, history: RunHistory | None, trust: Iterable[str]) -> None:
        """Read earlier runs from these versions.

        Args:
            history: the runs; None: there are none.
            trust: names that models may use beside those of OpenSTEF's own pipelines.
        """
        self._history, self._trust = history, TYPE.trusted | frozenset(trust)

    def fetch(self, model_ids: Collection[str]) -> None:
        """Fetch these models of the newest version as one batch, before processes are forked that load them.

        Args:
            model_ids: the models; those that the version does not have are passed over.

        Raises:
            BluegridError: the version cannot be read.
        """
        if self._history is not None:
            self._history.fetch([*map(self._uid, model_ids)])

    def take(self) -> list[TrainedModel]:
        """Return what has been trained, and forget it; another process can `add` it to a storage."""
        with self._lock:
            taken = [*self._trained.values()]
            self._trained.clear()
        return taken

    def add(self, models: Iterable[TrainedModel]) -> None:
        """Collect models that a storage of another process has trained."""
        with self._lock:
            self._trained |= {model.uid: model for model in models}

    def discard(self) -> None:
        """Forget what has been trained, and end runs under way."""
        with self._lock:
            self._trained.clear()
            for run_id in [*self._under_way]:
                self._end(run_id)

    def create_run(
        self,
        model_id: str,
        run_name: str | None = None,
        tags: dict[str, str] | None = None,
        experiment_tags: dict[str, str] | None = None,  # noqa: ARG002 - of the interface
        hyperparams: HyperParams | None = None,
    ) -> Run:
        """Begin a run; see `MLFlowStorage.create_run`.

        Raises:
            ConfigError: the ID of the model is not a UID.
            FormatError: the tags do not fit into a lineage.
        """
        uid, run_id = self._uid(model_id), uuid.uuid4().hex
        named = {} if run_name is None else {RUN_NAME: run_name}
        params = {} if hyperparams is None else hyperparams.model_dump()
        run = _RunUnderWay(
            uid,
            # Without tags of the experiment: OpenSTEF would compare them as tags of the model.
            {**(tags or {}), **named, OPENSTEF_VERSION_TAG: _openstef_version()},
            {name: str(value) for name, value in params.items()},
        )
        lineage = self._lineage(run_id, run, {})
        with self._lock:
            self._under_way[run_id] = run
        return KnownRun(uid, run_id, lineage, bytes, run.params).to_mlflow()

    def log_hyperparams(self, run_id: str, params: dict[str, str]) -> None:
        """Note more hyperparameters of a run."""
        self._of(run_id).params.update(params)

    def note_data(self, run_id: str, times: pd.Index) -> None:
        """Note what a run was trained on, where no file of it is written.

        Args:
            run_id: the run.
            times: of the rows of the training data.
        """
        self._of(run_id).data = _extent(times)

    def save_run_model(self, model_id: str, run_id: str, model: object) -> None:  # noqa: ARG002 - the same
        """Serialise the model of a run, and check it as a push does: a fault then stops this model alone.

        Raises:
            FormatError: the set cannot hold the model.
        """
        run, file = self._of(run_id), io.BytesIO()
        self.model_serializer.serialize(model, file=file)
        content = file.getvalue()
        # Whether it is of the same estimators as the others, the push finds.
        check = ModelCheck(TYPE, Source.PLATFORM, self._trust, set_id=self.set_id, is_mixed=True)
        try:
            checked = check.check(
                LoadedModel(run.uid, None, f"model {run.uid}", content, sha256_hex(content))
            )
        except FormatError:
            self._end(run_id)
            raise
        run.content, run.names = content, checked.names

    def finalize_run(
        self, model_id: str, run_id: str, metrics: dict[str, float] | None = None, status: str = "FINISHED"
    ) -> None:
        """End a run, and collect its model if the run succeeded."""
        run = self._of(run_id)
        if run.data is None:
            path = self.get_artifacts_path(model_id, run_id) / self.data_path / "data.parquet"
            if path.is_file():
                run.data = _extent(pd.read_parquet(path, columns=[]).index)
        self._end(run_id)
        if status == "FINISHED" and run.content is not None:
            lineage = self._lineage(run_id, run, metrics or {})
            self.add([TrainedModel(run.uid, run.content, lineage, run.params, run.names)])

    def search_latest_runs(
        self,
        model_id: str,
        limit: int = 1,
        filter_string: str = _FINISHED,
        order_by: Sequence[str] = _NEWEST_FIRST,
    ) -> list[Run]:
        """Return the latest runs of a model: what is collected, then what the versions have.

        Raises:
            ConfigError: the filter or the order is not OpenSTEF's own.
            BluegridError: a version cannot be read.
        """
        if filter_string != _FINISHED or tuple(order_by) != _NEWEST_FIRST:
            search = f"runs by {filter_string!r} in the order {', '.join(order_by)}"
            raise ConfigError(f"model {model_id}: {search} are not kept; leave both arguments out")
        return [run.to_mlflow() for run in islice(self._runs(self._uid(model_id)), limit)]

    def search_run(self, model_id: str, run_name: str) -> Run | None:
        """Return the latest run of this name; versions are read back to the first that lacks the model.

        Raises:
            BluegridError: a version cannot be read.
        """
        found = (run for run in self._runs(self._uid(model_id)) if run.name == run_name)
        return next((run.to_mlflow() for run in found), None)

    def load_run_model(self, run_id: str, model_id: str, run: Run | None = None) -> object:
        """Return the model of a run; of its pickle, only trusted names are looked up.

        Raises:
            ModelNotFoundError: there is no such run, or the installed packages cannot load its model.
            OpenSTEFVersionCompatibilityError: the model is of another OpenSTEF, and this is enforced.
            ValueError: `run` is another one.
            BluegridError: a version cannot be read.
        """
        if run is not None and run.info.run_id != run_id:
            raise ValueError(f"run {run.info.run_id} is not run {run_id}")
        found = next((each for each in self._runs(self._uid(model_id)) if each.id == run_id), None)
        if found is None:
            raise ModelNotFoundError(model_id=model_id)
        if self.enforce_version_compatibility:
            theirs = (found.lineage.tags or {}).get(OPENSTEF_VERSION_TAG)
            if not is_openstef_compatible(model_version=theirs):
                raise OpenSTEFVersionCompatibilityError(
                    run_id=run_id, model_version=theirs, runtime_version=_openstef_version()
                )
        try:
            model = load_model(found.content(), self._trust)
        except ModelError as error:
            # A training goes on without the old model, since OpenSTEF's callback knows this exception.
            log.warning("set %s: model %s: %s", self.set_id, found.uid, error)
            raise ModelNotFoundError(model_id=model_id) from error
        # Otherwise no model of last year could be compared with a new one.
        keep_holidays_of_training(model)
        return model

    def get_artifacts_path(self, model_id: str, run_id: str | None = None) -> Path:
        """Return the folder where OpenSTEF writes the data and plots of a run.

        Raises:
            ConfigError: they are not kept, and there is no such run under way.
        """
        if self.local_artifacts_path is not None:
            kept: Path = super().get_artifacts_path(model_id, run_id)
            return kept
        run = self._of(run_id or "")
        if run.scratch is None:
            run.scratch = TemporaryDirectory(prefix="bluegrid-openstef-", ignore_cleanup_errors=True)
        return Path(run.scratch.name)

    def __deepcopy__(self, _: dict[int, Any] | None = None) -> CollectingStorage:
        """Return this storage: a workflow that is copied, for another name of its run, has the same one."""
        return self

    def _runs(self, uid: str) -> Iterator[KnownRun]:
        with self._lock:
            trained = self._trained.get(uid)
        stored = self._history.runs(uid) if self._history is not None else ()
        return chain(() if trained is None else (trained.run,), stored)

    def _lineage(self, run_id: str, run: _RunUnderWay, metrics: Mapping[str, float]) -> Lineage:
        return lineage_of(
            run.uid,
            run_id,
            tags=run.tags,
            metrics=metrics,
            author=self.author,
            commit=self.commit,
            data=run.data,
        )

    def _end(self, run_id: str) -> None:
        with self._lock:
            run = self._under_way.pop(run_id)
        if run.scratch is not None:
            run.scratch.cleanup()

    def _of(self, run_id: str) -> _RunUnderWay:
        with self._lock:
            if run_id not in self._under_way:
                raise ConfigError(f"set {self.set_id}: run {run_id} is not under way; begin it by create_run")
            return self._under_way[run_id]

    def _uid(self, model_id: str) -> str:
        try:
            return check_uid(f"{self.experiment_name_prefix}{model_id}")
        except ValueError as error:
            raise ConfigError(f"set {self.set_id}: model {model_id!a}: {error}; name it otherwise") from None


# Searching the installed packages takes 5 ms.
_openstef_version = cache(get_runtime_openstef_version)


def _extent(times: pd.Index) -> str | None:
    """Return the extent of training data; None: there is none."""
    return f"{times.min()} to {times.max()}, {len(times)} rows" if len(times) else None
