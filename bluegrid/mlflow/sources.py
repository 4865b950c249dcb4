"""What the models of an import come from: the newest run of each experiment, or registered models."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from bluegrid.mlflow.server import CONNECTIONS
from bluegrid_registry import ConfigError
from bluegrid_registry.names import check_uid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.mlflow.server import MlflowServer

Count = Callable[[int, int], None]
"""Is called with how much is done, and of how much."""
_FINISHED = "attributes.status = 'FINISHED'"
_GROUP = 50
"""Experiments whose runs are searched by one request."""
_RUNS_PER_EXPERIMENT = 2
"""Newest runs that such a search returns for each of them, on average."""


@dataclass(frozen=True)
class ModelOrigin:
    """What a model comes from.

    Attributes:
        uid: of the device: the name of the experiment, or of the registered model.
        run_id: of the run; empty: a registered model of no run.
        run: as MLflow describes it: `info`, `data`, `inputs` and `outputs`.
        version: of the registered model, as MLflow describes it; None: the run itself.
    """

    uid: str
    run_id: str
    run: Mapping[str, Any] = field(repr=False)
    version: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The origin, for messages."""
        if self.version is not None:
            return f"registered model {self.uid} version {self.version['version']}"
        return f"experiment {self.uid} run {self.run_id}"

    @property
    def identity(self) -> str:
        """What the lineage names as run: another one means another model."""
        return self.run_id or f"models:/{self.uid}/{self.number}"

    @property
    def number(self) -> str | None:
        """The version of the registered model; None: the run itself."""
        return None if self.version is None else str(self.version["version"])


@dataclass(frozen=True)
class Origins:
    """The origins of the models that a pattern finds, by UID.

    Attributes:
        found: what models come from.
        without: experiments without a finished run, or registered models without the alias.
    """

    found: Mapping[str, ModelOrigin]
    without: Sequence[str]


def newest_runs(server: MlflowServer, pattern: str, where: str | None, count: Count) -> Origins:
    """Return the newest finished run of each experiment whose name matches.

    Args:
        server: the tracking server.
        pattern: of the names of experiments, such as `mv_feeder/*`.
        where: a filter of MLflow's search that the runs must meet too; None: no filter.
        count: is called after each group of experiments.

    Raises:
        ConfigError: no experiment matches, or a name is not a UID.
        MlflowRefused: the server refuses, or does not answer.
    """
    experiments = server.pages("/experiments/search", "experiments", {"view_type": "ACTIVE_ONLY"})
    ids = {each["name"]: each["experiment_id"] for each in experiments if fnmatchcase(each["name"], pattern)}
    uids = _uids(ids, pattern, "experiment")

    def search(experiments: Sequence[str], most: int) -> Iterable[Mapping[str, Any]]:
        wanted = {
            "experiment_ids": experiments,
            "filter": f"{_FINISHED} AND {where}" if where else _FINISHED,
            "order_by": ["attributes.start_time DESC"],
            "max_results": most,
            "run_view_type": "ACTIVE_ONLY",
        }
        found: Iterable[Mapping[str, Any]] = server.post("/runs/search", wanted).get("runs", ())
        return found

    def newest(group: Sequence[str]) -> Iterable[ModelOrigin]:
        uid_of = {ids[uids[uid]]: uid for uid in group}
        runs: dict[str, Mapping[str, Any]] = {}
        # Most experiments are trained about as often: one search finds the newest runs of nearly all.
        for run in search([*uid_of], _RUNS_PER_EXPERIMENT * len(uid_of)):
            runs.setdefault(run["info"]["experiment_id"], run)
        for experiment in uid_of.keys() - runs.keys():
            for run in search([experiment], 1):
                runs[experiment] = run
        return [ModelOrigin(uid_of[each], run["info"]["run_id"], run) for each, run in runs.items()]

    return _gathered(uids, _GROUP, newest, count)


def aliased(server: MlflowServer, pattern: str, alias: str, count: Count) -> Origins:
    """Return the version with an alias of each registered model whose name matches.

    Args:
        server: the tracking server.
        pattern: of the names of registered models.
        alias: such as `champion`.
        count: is called after each registered model.

    Raises:
        ConfigError: no registered model matches, or a name is not a UID.
        MlflowRefused: the server refuses, or does not answer.
    """
    models = server.pages("/registered-models/search", "registered_models", None)
    known = {each["name"]: each for each in models if fnmatchcase(each["name"], pattern)}
    uids = _uids(known, pattern, "registered model")

    def with_alias(group: Sequence[str]) -> Iterable[ModelOrigin]:
        (uid,) = group
        name = uids[uid]
        if alias not in {each.get("alias") for each in known[name].get("aliases", ())}:
            return ()
        version = server.get("/registered-models/alias", name=name, alias=alias)["model_version"]
        run_id = version.get("run_id") or ""
        run = server.get("/runs/get", run_id=run_id)["run"] if run_id else {}
        return (ModelOrigin(uid, run_id, run, version),)

    return _gathered(uids, 1, with_alias, count)


def _uids(names: Iterable[str], pattern: str, what: str) -> dict[str, str]:
    """Return the names by UID, sorted; ConfigError with a line for each name that cannot be one."""
    found: dict[str, list[str]] = defaultdict(list)
    faults = []
    for name in names:
        uid = unicodedata.normalize("NFC", name)
        try:
            found[check_uid(uid)].append(name)
        except ValueError as error:
            faults.append(f"{what} {name!a}: {error}; rename it, or leave it out by the pattern")
    faults += [
        f"{what} {uid}: two have this name, composed and decomposed; rename one"
        for uid, each in found.items()
        if len(each) > 1
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    if not found:
        raise ConfigError(f"no {what} is named like {pattern!r}; the pattern has to match the whole name")
    return {uid: found[uid][0] for uid in sorted(found)}


def _gathered(
    uids: Iterable[str], size: int, origins: Callable[[Sequence[str]], Iterable[ModelOrigin]], count: Count
) -> Origins:
    """Return the origins of all UIDs, requested in groups of this size, several at a time."""
    uids = list(uids)
    groups = [uids[start : start + size] for start in range(0, len(uids), size)]
    found: dict[str, ModelOrigin] = {}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done, each in enumerate(pool.map(origins, groups), start=1):
            found |= {origin.uid: origin for origin in each}
            count(min(done * size, len(uids)), len(uids))
    return Origins(
        {uid: found[uid] for uid in uids if uid in found}, [uid for uid in uids if uid not in found]
    )
