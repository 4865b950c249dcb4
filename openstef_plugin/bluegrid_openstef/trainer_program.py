"""What both trainers share: the request of the update server, their output, and the files that they leave.

The request is one JSON object on standard input. Models are left in its `folder` as `<uid>.<file type>`,
beside `lineage.json` and perhaps `examples.json`: docs/operations/updates.md.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bluegrid_openstef.arrow import make_arrow_forkable
from bluegrid_registry import BluegridError, ConfigError, TrustedKey, Version, read_commit
from bluegrid_registry.stores.versions import check_pinned
from bluegrid_registry.transfer.examples_file import EXAMPLES
from bluegrid_registry.transfer.lineage_file import LINEAGE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bluegrid_registry import ModelType, PublicKey, Store

_MOST_BYTES = 255
"""Bytes of the longest name of a file."""


def add_options(parser: argparse.ArgumentParser, failures: str) -> None:
    """Add the options that every trainer has; `failures` says what `--most-failures` is a share of."""
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="default: one for each core"
    )
    parser.add_argument("--most-failures", type=float, default=0.1, help=f"share of {failures}; default: 0.1")


def run(train: Callable[[Mapping[str, Any]], None], model_type: ModelType) -> None:
    """Call `train` with the request on standard input, or end with a line that says why not.

    Args:
        train: raises a BluegridError if nothing may be published.
        model_type: the type of the sets that it makes models for.
    """
    request = json.load(sys.stdin)
    # A process for each core works; more threads would wait for each other. Libraries read this on import.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    make_arrow_forkable()
    try:
        if request["type"] != str(model_type):
            makes = f"this trainer makes {model_type}"
            raise ConfigError(f"set {request['set']} holds {request['type']}; {makes}")
        train(request)
    except BluegridError as error:
        sys.exit(str(error))


def base_version(store: Store, request: Mapping[str, Any]) -> Version:
    """Return the base version of a request that has one, as the registry pins it.

    Raises:
        IntegrityError: the store has another version under its ID.
        ObjectMissing, StoreError: as raised by the store.
    """
    commit = read_commit(store, request["set"], request["base"])
    # Servers of release 0.2 and earlier send neither the digest nor the keys.
    if (pinned := request.get("baseManifest")) is not None:
        check_pinned(commit, pinned)
    return Version(id=request["base"], manifest=commit.manifest, updated=commit.time)


def base_keys(request: Mapping[str, Any]) -> Sequence[PublicKey]:
    """Return the keys of which one must have signed a base whose models are read; none: none must."""
    return [TrustedKey.model_validate(row).to_public_key() for row in request.get("publicKeys", ())]


def path_of(folder: Path, uid: str, model_type: ModelType) -> Path | None:
    """Return the file of a model in the folder of a request; None: no file can have its name."""
    name = f"{uid}.{model_type.file_type}"
    path = PurePosixPath(name)
    is_hidden_or_above = any(part.startswith(".") for part in path.parts[:-1])
    is_too_long = any(len(os.fsencode(part)) > _MOST_BYTES for part in path.parts)
    is_path = str(path) == name and not path.is_absolute()
    if not is_path or is_hidden_or_above or is_too_long or name in {EXAMPLES, LINEAGE}:
        return None
    return folder / path


def write_model(path: Path, content: bytes) -> None:
    """Write the file of a model, in folders that need not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def say(line: str) -> None:
    """Print a line, which the update server shows at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
