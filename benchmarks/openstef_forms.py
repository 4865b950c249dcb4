"""What a forecast of OpenSTEF costs, by OpenSTEF's pickle and as data; needs Python 3.12 or later.

    uv run --frozen --python '>=3.12' --project openstef_plugin --no-default-groups --group example \
        python -m benchmarks.openstef_forms

Pipelines of `examples/openstef`: 48 h ahead in quarter-hours, from two weeks of history. Each line is of a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks import Model

KINDS = ("gblinear", "xgboost")
SUFFIXES = ("joblib", "json")
_MODELS = 100
"""How often a file is loaded, each time as another model."""
_FORECASTS = 40


def main() -> None:
    """Train a pipeline of each kind, and print a line for each kind and form."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openstef_forms", description=__doc__)
    parser.add_argument("--measure", type=Path, help="measure this file alone, and print JSON")
    options = parser.parse_args()
    if options.measure is not None:
        sys.stdout.write(json.dumps(measured(options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in _files(Path(folder)):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.openstef_forms", "--measure", path],
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                check=True,
            )
            sys.stdout.write(f"{path.name}: {done.stdout.decode()}\n")


def measured(path: Path) -> dict[str, float]:
    """Return the costs of a file: CPU in ms, memory in MB.

    `first`: imports and the first model; `load`, `memory`: each further model; `forecast`: at times of its
    own; `again`: at the place and the times of the forecast before, as in a batch of neighbours.
    """
    inputs = _inputs(json.loads(path.with_suffix(".request").read_text()))
    load = _loader(path)
    memory, began = _memory(), time.process_time()
    models = [load()]
    models[0].predict(inputs)
    first, first_memory = time.process_time() - began, _memory() - memory
    memory, began = _memory(), time.process_time()
    models += [load() for _ in range(_MODELS)]
    loaded, loaded_memory = time.process_time() - began, _memory() - memory
    day = 86400
    apart = [
        {**inputs, **{name: inputs[name] + day * number for name in ("time", "forecast_start")}}
        for number in range(1, _FORECASTS + 1)
    ]
    return {
        "bytes": path.stat().st_size,
        "first": round(first * 1e3),
        "first_memory": round(first_memory / 1e6),
        "load": round(loaded / _MODELS * 1e3, 2),
        "memory": round(loaded_memory / _MODELS / 1e6, 3),
        "forecast": round(_median([(model, each) for model, each in zip(models, apart, strict=False)]), 2),
        "again": round(_median([(model, inputs) for model in models]), 2),
    }


def _median(requests: list[tuple[Model, dict[str, Any]]]) -> float:
    taken = []
    for model, inputs in requests:
        began = time.process_time()
        model.predict(inputs)
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1e3


def _loader(path: Path) -> Callable[[], Model]:
    if path.suffix == ".json":
        from bluegrid_openstef import json_plugin

        return lambda: json_plugin.load(path)
    from bluegrid_openstef import file_type, plugin

    return lambda: plugin.load(path, file_type.TYPE.trusted)


def _files(folder: Path) -> list[Path]:
    """Return the files of a pipeline of each kind in both forms, with a request beside each."""
    # Trains in processes that are forked: before anything here computes.
    from examples.openstef.grid import Grid
    from examples.openstef.training import train

    trained = {kind: next(iter(train(Grid().targets()[:1], kind, 1))) for kind in KINDS}
    from bluegrid_openstef.converter import as_json
    from bluegrid_openstef.file_type import TYPE
    from bluegrid_openstef.model_file import load_model

    paths = []
    for kind, each in trained.items():
        pickled, data = (folder / f"{kind}-{suffix}.{suffix}" for suffix in SUFFIXES)
        pickled.write_bytes(each.file)
        data.write_bytes(as_json(load_model(pickled, TYPE.trusted)))
        for path in (pickled, data):
            path.with_suffix(".request").write_text(json.dumps(each.request))
            paths.append(path)
    return paths


def _inputs(request: dict[str, Any]) -> dict[str, Any]:
    types = {"INT64": np.int64, "FP64": np.float64}
    return {each["name"]: np.array(each["data"], dtype=types[each["datatype"]]) for each in request["inputs"]}


def _memory() -> int:
    """Return the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
