"""The files of a version's folder, and the held-out requests beside the versions.

```
<folder>/v1/<uid>.skops       one model
<folder>/v1/examples.json     {uid: {"inputs": [[...]], "outputs": [...], "rtol": ..., "atol": ...}}
<folder>/requests.json        {"inputs": {uid: [[...]]}, "answers": {version: {uid: [...]}}}
```
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid.tour.line_loading.skops_bytes import skops_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bluegrid.tour.line_loading.network import Branch, Floats
    from bluegrid.tour.line_loading.operating_points import OperatingPoints

EXAMPLES_PER_MODEL = 3
REQUESTS_PER_SEASON = 2
RTOL, ATOL = 1e-6, 1e-9


def new_folder(folder: Path) -> Path:
    """Yields an empty folder, renamed to the final name when it is complete; replaces an interrupted run's.

    Raises:
        FileExistsError: the final folder exists.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: remove it or name another")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished


def write_version(
    folder: Path, branches: Iterable[Branch], models: Mapping[str, Any], points: OperatingPoints
) -> None:
    """Writes a version's models, and a few operating points of each as its recorded examples."""
    folder.mkdir(exist_ok=True)
    examples = {}
    for branch in branches:
        if branch.uid in models:
            model = models[branch.uid]
            (folder / f"{branch.uid}.skops").write_bytes(skops_bytes(model))
            inputs = _inputs(branch, points.points[:EXAMPLES_PER_MODEL])
            examples[branch.uid] = {
                "inputs": inputs.tolist(),
                "outputs": model.predict(inputs).tolist(),
                "rtol": RTOL,
                "atol": ATOL,
            }
    (folder / "examples.json").write_text(json.dumps(examples))


def write_requests(
    folder: Path,
    branches: Sequence[Branch],
    versions: Mapping[str, Mapping[str, Any]],
    held_out: Iterable[OperatingPoints],
) -> None:
    """Writes the same inputs for all versions, with the answers of each: an answer identifies its version."""
    points = np.concatenate([part.points[-REQUESTS_PER_SEASON:] for part in held_out])
    inputs = {branch.uid: _inputs(branch, points) for branch in branches}
    requests = {
        "inputs": {uid: rows.tolist() for uid, rows in inputs.items()},
        "answers": {
            version: {uid: models[uid].predict(rows).tolist() for uid, rows in inputs.items()}
            for version, models in sorted(versions.items())
        },
    }
    (folder / "requests.json").write_text(json.dumps(requests))


def _inputs(branch: Branch, points: Floats) -> Floats:
    """Returns inputs rounded to a watt, as a client would send them; answers are computed from these."""
    return points[:, branch.inputs].round(6)
