"""Trains, pushes, serves, forecasts, draws: `python -m examples.openstef --out FOLDER`."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.model_file import load_model
from bluegrid_registry import ModelSet, RecordedExample
from examples.openstef.grid import Grid
from examples.openstef.plot import draw
from examples.openstef.training import Trained, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SET, SERVICE = "grid-load", "grid-load"
_A_REQUEST = 10
"""Forecasts in a request, a second of CPU. The server takes 16 MiB, about 100 forecasts with two weeks of
three columns; a proxy in front of it may end a request after some seconds."""
_EXAMPLES = 50
"""Targets with a recorded example: each costs the server a forecast before it is ready."""
_PLOT, _DRAWN = "forecasts.svg", 6
_SECONDS = 300.0


def main() -> None:
    """Take all steps, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m examples.openstef", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder: the project and its store")
    parser.add_argument(
        "--targets", type=int, default=20, help="how many: the 477 transformers that feed a grid, then loads"
    )
    parser.add_argument("--kind", default="gblinear", help="preset of OpenSTEF, such as gblinear or xgboost")
    parser.add_argument(
        "--type",
        default="openstef/joblib",
        choices=("openstef/joblib", "openstef/json"),
        help="pipelines as OpenSTEF's pickles, or as data",
    )
    options = parser.parse_args()
    targets = Grid().targets()
    if not 0 < options.targets <= len(targets):
        parser.error(f"--targets {options.targets}: give 1 to {len(targets)}")
    out = options.out.absolute()
    project, store = out / "grid", out / "store"
    store.mkdir(parents=True)
    began = time.monotonic()
    trained = [*train(targets[: options.targets], options.kind, os.cpu_count() or 1)]
    size = sum(len(each.file) for each in trained)
    _say(f"trained {len(trained)} {options.kind} pipelines, {size / 1e6:.1f} MB", began)
    if options.type == "openstef/json":
        began = time.monotonic()
        trained = [replace(each, file=as_json(load_model(each.file, TYPE.trusted))) for each in trained]
        _say(f"wrote them as data: {sum(len(each.file) for each in trained) / 1e6:.1f} MB", began)
    _bluegrid("init", project.name, "--region", "north", "--store", store.as_uri(), folder=out)
    _bluegrid(
        "set", "add", SET, "--name", "Load of the grid", "--task", "forecasting", "--type", options.type,
        "--source", "platform", folder=project,
    )  # fmt: skip
    began = time.monotonic()
    report = ModelSet.open(SET, project / "registry", store.as_uri()).push(
        "v1",
        {each.uid: each.file for each in trained},
        examples={
            each.uid: RecordedExample.model_validate({"request": each.request, "response": each.response})
            for each in trained[:_EXAMPLES]
        },
    )
    _say(f"pushed v1: {report.sent_bytes / 1e6:.1f} MB", began)
    began = time.monotonic()
    with _served(project, store) as url:
        _say(f"ready at {url}", began)
        began = time.monotonic()
        answers = _forecasts(url, trained)
        _say(f"{len(answers)} forecasts in {-(-len(trained) // _A_REQUEST)} requests", began)
    different = [each.uid for each in trained if answers[each.uid] != _outputs(each.response)]
    if different:
        sys.exit(f"{len(different)} forecasts are not OpenSTEF's own, such as that of {different[0]}")
    draw(_spread(trained), answers, out / _PLOT)
    _say(f"{_PLOT} has some of them beside the load that came")
    _say(f"all forecasts are OpenSTEF's own to the bit, such as that of {trained[0].uid}")


def _spread(trained: Sequence[Trained]) -> Sequence[Trained]:
    """Return some targets, from the first to the last."""
    return trained[:: max(1, len(trained) // _DRAWN)][:_DRAWN]


def _forecasts(url: str, trained: Sequence[Trained]) -> dict[str, dict[str, Any]]:
    """Ask for the forecast of each target; return the outputs by UID and name."""
    found = {}
    for first in range(0, len(trained), _A_REQUEST):
        requests = [{"model_name": each.uid, **each.request} for each in trained[first : first + _A_REQUEST]]
        answer = urllib3.request(
            "POST",
            f"{url}/v2/models:batchInfer",
            json={"requests": requests},
            timeout=_SECONDS,
            retries=False,
        )
        if answer.status != 200:
            sys.exit(f"status {answer.status}: {answer.data.decode()}")
        for each in answer.json()["responses"]:
            if "outputs" not in each:
                sys.exit(f"no forecast: {json.dumps(each)}")
            found[each["model_name"]] = _outputs(each)
    return found


def _outputs(response: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["data"] for each in response["outputs"]}


@contextmanager
def _served(project: Path, store: Path) -> Iterator[str]:
    """Serve the version until the end of the context; yield the URL once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/modelService/{SERVICE}"
    command = [
        "bluegrid",
        "serve",
        SET,
        "v1",
        "--service",
        SERVICE,
        "--port",
        str(port),
        "--store",
        store.as_uri(),
    ]
    log = project.parent / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=project, stdout=output, stderr=subprocess.STDOUT) as server,
    ):
        try:
            _wait_until_ready(url, server, log)
            yield url
        finally:
            server.terminate()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"`bluegrid serve` ended: {log.read_text()}")
        try:
            if urllib3.request("GET", f"{url}/v2/health/ready", retries=False, timeout=5.0).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    sys.exit(f"`bluegrid serve` is not ready after {_SECONDS:.0f} s: {log.read_text()}")


def _bluegrid(*arguments: str, folder: Path) -> None:
    subprocess.run(["bluegrid", *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=True)


def _say(text: str, began: float | None = None) -> None:
    sys.stdout.write(text + (f", {time.monotonic() - began:.1f} s\n" if began is not None else "\n"))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
