"""`python -m bluegrid_openstef.json_trainer SET`: the trainer of a set of pipelines as data that follows SET.

In the registry, where `load` is a set of the type `openstef/joblib`:

    set:
      id: load-data
      type: openstef/json
      update:
        trainer:
          command: [python, -m, bluegrid_openstef.json_trainer, load, --store, "s3://models/grid"]
        schedule: {when: "0 6 * * *", timeZone: Europe/Amsterdam}

What differs in the newest version of `load` from what the base version was converted from is converted, with
its lineage and recorded examples, and all other models of the base stay. Where nothing differs, the update
makes no version.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bluegrid_openstef import file_type
from bluegrid_openstef.json_file import TYPE
from bluegrid_openstef.model_file import without_openstef
from bluegrid_openstef.trainer_program import add_options, base_version, path_of, run, say, write_model
from bluegrid_registry import ConfigError, FormatError, Lineage, fetch, load_set, open_store, read_manifest
from bluegrid_registry.counts import counted, share_of
from bluegrid_registry.formats.example import examples_document
from bluegrid_registry.formats.lineage import MAX_TAGS
from bluegrid_registry.transfer.examples_file import EXAMPLES
from bluegrid_registry.transfer.file_by_uid import write_by_uid
from bluegrid_registry.transfer.lineage_file import LINEAGE, write_lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bluegrid_registry import FetchedVersion, ModelRow, RegistryFile, Store, Version

CONVERTED_FROM = "bluegrid.convertedFrom"
"""Tag of a converted model: the digest of the pickle, by which later runs know whether that has changed."""
_LEFT_OUT = ("requirements", "tags", "data", "commit", "author", "metrics")
"""Parts of a lineage that give way to the tag if there is no space for it, in this order."""
_MOST_NAMED = 10
"""The most models that are gone that a line names."""


def main() -> None:
    """Convert what standard input requests, or end with a line that says why not."""
    run(partial(_follow, _parser().parse_args()), TYPE)


def converted_lineage(row: ModelRow) -> Lineage:
    """Return the lineage of a model as data: that of its pickle, with the digest of the pickle as a tag."""
    digest = {CONVERTED_FROM: f"sha256:{row.sha256}"}
    lineage = row.lineage or Lineage()
    others = sorted((lineage.tags or {}).items())[: MAX_TAGS - 1]
    lineage = replace(lineage, tags={**dict(others), **digest})
    left_out = iter(_LEFT_OUT)
    while True:
        try:
            return lineage.to_store(row.uid) or lineage
        except FormatError:
            part = next(left_out)
            changed: dict[str, Any] = {part: digest if part == "tags" else None}
            lineage = replace(lineage, **changed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bluegrid_openstef.json_trainer", description=__doc__)
    parser.add_argument("source", metavar="SET", help=f"the set to follow, of the type {file_type.TYPE}")
    parser.add_argument("--store", required=True, help="the store of both sets")
    parser.add_argument(
        "--registry", type=Path, default=Path("registry"), help="the registry's folder; default: registry"
    )
    add_options(parser, "the models of SET that may be refused")
    return parser


def _follow(options: argparse.Namespace, request: Mapping[str, Any]) -> None:
    store, source = open_store(options.store), load_set(options.registry, options.source)
    newest = _newest(source)
    rows = _rows(store, source.set.id, newest)
    # Of the base, nothing is read but what the registry's digest pins: no signature is needed.
    base = None if request["base"] is None else base_version(store, request)
    before = {} if base is None else _rows(store, request["set"], base)
    changed = [uid for uid, row in rows.items() if _has_changed(row, before.get(uid))]
    faults: Mapping[str, str] = {}
    if changed:
        with TemporaryDirectory(prefix="bluegrid-openstef-") as scratch:
            fetched = fetch(
                store,
                source.set.id,
                newest.id,
                newest.manifest,
                Path(scratch),
                only=changed if len(changed) < len(rows) else (),
                keys=source.set.public_keys,
            )
            trust = file_type.TYPE.trusted | {*source.set.trust}
            faults = _convert(fetched, trust, Path(request["folder"]), options.processes)
    for uid, fault in faults.items():
        stays = f"its model of {request['base']} stays" if uid in before else "the set does not have it"
        say(f"{uid}: {fault} ({stays})")
    name = f"{source.set.id} {newest.id}"
    if gone := sorted(before.keys() - rows.keys()):
        say(_that_are_gone(gone, name, request["set"]))
    say(
        f"{name} has {counted(len(rows), 'model')}: {len(rows) - len(changed)} unchanged, "
        f"{len(changed) - len(faults)} converted, {len(faults)} refused"
    )
    # Of all models, since one that has no form as data is refused each time.
    if len(faults) > share_of(options.most_failures, len(rows)):
        raise ConfigError(f"{len(faults)} of {counted(len(rows), 'model')} refused; nothing is published")


def _newest(source: RegistryFile) -> Version:
    """Return the newest version of a set; ConfigError if there is none, or the set is of another type."""
    if source.set.type != file_type.TYPE:
        holds = f"set {source.set.id} holds {source.set.type}"
        raise ConfigError(f"{holds}; pipelines as data are made of {file_type.TYPE}")
    if (newest := source.newest) is None:
        raise ConfigError(f"set {source.set.id} has no version in the registry; train it first")
    return newest


def _rows(store: Store, set_id: str, version: Version) -> Mapping[str, ModelRow]:
    manifest = read_manifest(store, set_id, version.id, version.manifest)
    return {row.uid: row for row in manifest.models}


def _has_changed(row: ModelRow, before: ModelRow | None) -> bool:
    """Whether a model of the base was not converted from this one: from these bytes, lineage and examples."""
    if before is None or before.lineage != converted_lineage(row):
        return True
    return before.examples_sha256 != row.examples_sha256


def _convert(
    fetched: FetchedVersion, trust: Collection[str], folder: Path, processes: int
) -> Mapping[str, str]:
    """Write models as data into a folder, with lineage and examples; return faults of the others, by UID."""
    try:
        from bluegrid_openstef.conversion import convert
    except ImportError as error:
        raise ConfigError(without_openstef(error)) from None
    faults: dict[str, str] = {}
    for outcome in convert(fetched.paths, trust, processes):
        path = path_of(folder, outcome.uid, TYPE)
        if outcome.document is None:
            faults[outcome.uid] = outcome.fault
        elif path is None:
            faults[outcome.uid] = "no file can have the name of this model; rename it"
        else:
            write_model(path, outcome.document)
    converted = fetched.paths.keys() - faults.keys()
    if converted:
        rows = (row for row in fetched.manifest.models if row.uid in converted)
        write_lineage(folder / LINEAGE, {row.uid: converted_lineage(row) for row in rows})
    if recorded := sorted(converted & fetched.examples.keys()):
        # The answers of both forms are the same.
        documents = ((uid, examples_document(fetched.examples[uid])) for uid in recorded)
        write_by_uid(folder / EXAMPLES, documents)
    return faults


def _that_are_gone(gone: Sequence[str], source: str, set_id: str) -> str:
    named = ", ".join(gone[:_MOST_NAMED]) + (", …" if len(gone) > _MOST_NAMED else "")
    kept = f"{counted(len(gone), 'model')} not in {source} any more, and kept"
    return f"{kept}: {named}; to leave out: bluegrid update request {set_id} --base VERSION --without UID"


if __name__ == "__main__":
    main()
