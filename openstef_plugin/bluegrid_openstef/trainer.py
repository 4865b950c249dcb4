"""`python -m bluegrid_openstef.trainer MODULE:CLASS`: the trainer of a set, which the update server runs.

In the registry:

    update:
      trainer:
        command: [python, -m, bluegrid_openstef.trainer, "grid_training:Feeders", --store, "s3://models/grid"]
        timeoutSeconds: 14400
      schedule: {when: daily, timeZone: Europe/Amsterdam}

The class is a `TrainingSource`; it is called with the trainer's parameters. What is due by OpenSTEF's own
rule is trained, and compared with the model of the base version by OpenSTEF's own rule. What is better is
written, and all other models of the base stay. Where nothing is, the update makes no version.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.trainer_program import (
    add_options,
    base_keys,
    base_version,
    path_of,
    run,
    say,
    write_model,
)
from bluegrid_registry import ConfigError, open_store
from bluegrid_registry.counts import counted
from bluegrid_registry.transfer.lineage_file import LINEAGE, write_lineage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid_openstef.history import RunHistory
    from bluegrid_openstef.training import TrainingSource
    from bluegrid_registry import Lineage


def main() -> None:
    """Train what standard input requests, or end with a line that says why not."""
    run(partial(_train, _parser().parse_args()), TYPE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bluegrid_openstef.trainer", description=__doc__)
    parser.add_argument("source", metavar="MODULE:CLASS", help="what to train: a TrainingSource")
    parser.add_argument(
        "--store", help="the store of the base; without it, all models are trained, and none are compared"
    )
    parser.add_argument("--trust", action="append", default=[], help="as of the set; repeatable")
    parser.add_argument("--commit", help="of the training's code, for the lineage")
    add_options(parser, "trainings that may fail")
    return parser


def _train(options: argparse.Namespace, request: Mapping[str, Any]) -> None:
    from bluegrid_openstef.collecting_storage import CollectingStorage
    from bluegrid_openstef.training import is_due, train

    make_source = _source(options.source, request["parameters"])
    storage = CollectingStorage(set_id=request["set"], commit=options.commit)
    storage.read_from(_history(options.store, request), options.trust)
    source, folder = make_source(), Path(request["folder"])
    model_ids = [*source.model_ids()]
    # Before anything is trained.
    paths = {uid: _path(folder, uid) for uid in model_ids}
    due = [uid for uid in model_ids if is_due(source, uid, storage)]
    storage.fetch(due)
    lineage: dict[str, Lineage] = {}
    faults = []
    for outcome in train(make_source, due, storage, options.processes) if due else ():
        if outcome.fault is not None:
            faults.append(outcome.model_id)
            say(f"{outcome.model_id}: {outcome.fault}")
        elif outcome.trained is not None:
            write_model(paths[outcome.model_id], outcome.trained.content)
            lineage[outcome.trained.uid] = outcome.trained.lineage
    kept = len(due) - len(lineage) - len(faults)
    say(
        f"{counted(len(model_ids), 'model')}: {len(model_ids) - len(due)} recent, {len(lineage)} trained, "
        f"{kept} no better than before, {len(faults)} failed"
    )
    if len(faults) > options.most_failures * len(due):
        raise ConfigError(f"{len(faults)} of {counted(len(due), 'training')} failed; nothing is published")
    if lineage:
        write_lineage(folder / LINEAGE, lineage)


def _source(name: str, parameters: Mapping[str, Any]) -> Callable[[], TrainingSource]:
    """Return what makes the source; ConfigError if there is none, or it takes other parameters."""
    module, _, attribute = name.partition(":")
    try:
        found: Callable[..., TrainingSource] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name}: {error}; name it as MODULE:CLASS, importable from here") from None
    try:
        inspect.signature(found).bind(**parameters)
    except TypeError as error:
        raise ConfigError(f"{name}: {error}; see update.trainer.parameters of the set") from None
    return partial(found, **parameters)


def _history(store_address: str | None, request: Mapping[str, Any]) -> RunHistory | None:
    """Return the runs of the base version; None: there is none, or no store is named."""
    if store_address is None or request["base"] is None:
        return None
    from bluegrid_openstef.history import RunHistory

    store = open_store(store_address)
    return RunHistory(store, request["set"], [base_version(store, request)], base_keys(request))


def _path(folder: Path, uid: str) -> Path:
    """Return the file of a model; ConfigError if no file can have its name."""
    if (path := path_of(folder, uid, TYPE)) is None:
        raise ConfigError(f"model {uid!a}: no file can have this name; rename it, or use BluegridStorage")
    return path


if __name__ == "__main__":
    main()
