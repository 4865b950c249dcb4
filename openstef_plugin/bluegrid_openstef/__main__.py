"""Writes pipelines as data: `python -m bluegrid_openstef models/ data/`; needs OpenSTEF.

Each file `*.joblib` below the first folder becomes a file `*.json` at the same place below the second one. A
line tells each that has no form as data: it has no file there, also none of an earlier run, and the exit code
is 1. `examples` and `lineage` cannot be names of models: a push reads files of these names otherwise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.json_file import TYPE as AS_DATA
from bluegrid_openstef.model_file import load_model, without_openstef
from bluegrid_openstef.trainer_program import path_of, write_model
from bluegrid_registry import ModelError


def main() -> int:
    """Convert the files; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bluegrid_openstef", description=__doc__)
    parser.add_argument("models", type=Path, help="a folder with files of openstef/joblib")
    parser.add_argument("data", type=Path, help="the folder for files of openstef/json")
    options = parser.parse_args()
    paths = sorted(options.models.rglob("*.joblib"))
    if not paths:
        sys.exit(f"{options.models}: no *.joblib in it or below it; name the folder of the pickles")
    try:
        from bluegrid_openstef.converter import as_json
    except ImportError as error:
        sys.exit(without_openstef(error))
    refused = 0
    for path in paths:
        place = path.relative_to(options.models)
        made = path_of(options.data, str(place.with_suffix("")), AS_DATA)
        if made is None:
            refused += 1
            sys.stderr.write(f"{place}: no model as data can have this name; rename it\n")
            continue
        try:
            data = as_json(load_model(path, TYPE.trusted))
        except ModelError as error:
            refused += 1
            made.unlink(missing_ok=True)
            sys.stderr.write(f"{place}: {error}\n")
            continue
        write_model(made, data)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
