"""The newest runs of a real MLflow server's experiments become a version, and later only what has changed."""

from __future__ import annotations

import json
import re
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid_registry import Lineage
from tests.integration.mlflow.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.mlflow.conftest import Tracking, Workplace

NAMES = ("feeder/OS Edam", "江苏.东善桥/500kV.1号主变", "line-17")


@pytest.fixture(scope="module")
def runs(tracking: Tracking) -> dict[str, str]:
    """The newest finished run of each experiment; later ones failed or are killed."""
    newest = {}
    for seed, name in enumerate(NAMES):
        tracking.run(f"grid/{name}", models={"model": "pickle"}, metrics={"mae": 9.0})
        details = {"metrics": {"mae": 0.5 + seed, "bad": float("nan")}, "tags": {"season": "winter"}}
        newest[f"grid/{name}"] = tracking.run(
            f"grid/{name}", models={"model": "pickle"}, seed=seed, **details
        )
        tracking.run(f"grid/{name}", models={"model": "pickle"}, status="FAILED")
    tracking.run("grid/never", models={}, status="KILLED")
    return newest


def test_each_experiment_becomes_a_model_with_its_lineage(
    tracking: Tracking, runs: dict[str, str], place: Workplace
) -> None:
    found = place.result(tracking, "--experiments", "grid/*")
    assert (found["version"], found["models"], found["sent_models"]) == ("v1", 3, 3)
    assert {row["uid"]: row["run"] for row in found["added"]} == runs
    assert found["without"] == ["grid/never"]
    rows = {row.uid: row.lineage for row in place.newest().models}
    lineage = rows["grid/feeder/OS Edam"]
    assert isinstance(lineage, Lineage)
    assert lineage.run == runs["grid/feeder/OS Edam"]
    assert lineage.metrics == {"mae": 0.5}
    assert lineage.tags == {"season": "winter"}
    assert {"scikit-learn==1.7.2", "numpy==2.3.5"} <= {*(lineage.requirements or ())}
    assert lineage.author


def test_the_next_import_downloads_and_pushes_only_what_has_changed(
    tracking: Tracking, runs: dict[str, str], place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs
    place.result(tracking, "--experiments", "grid/*")
    before = place.newest()
    again = place.imported(tracking, "--experiments", "grid/*")
    assert again.stdout.startswith("set g1: nothing changed since v1; 3 unchanged, nothing was pushed\n")
    assert len(place.opened().versions) == 1

    new = tracking.run("grid/line-17", models={"model": "pickle"}, seed=7, metrics={"mae": 0.25})
    shown = place.imported(tracking, "--experiments", "grid/*", "--dry-run").stdout
    assert shown.splitlines()[:2] == [
        "set g1: 0 added, 1 changed, 2 unchanged since v1; nothing was pushed: --dry-run",
        f"  ~ grid/line-17 ({new})",
    ]
    assert len(place.opened().versions) == 1

    found = place.result(tracking, "--experiments", "grid/*", "--version", "2026-11-30")
    assert [row["run"] for row in found["changed"]] == [new]
    assert (found["version"], found["base"], found["sent_models"], found["unchanged"]) == (
        "2026-11-30",
        "v1",
        1,
        2,
    )
    after = {row.uid: row for row in place.newest().models}
    assert [after[row.uid] == row for row in before.models if row.uid != "grid/line-17"] == [True, True]
    diff = CliRunner().invoke(app, ["version", "diff", "g1", "v1", "2026-11-30"]).stdout
    assert "  metric mae 2.5 -> 0.25, fell in 1 of 1 model" in diff


def test_pages_are_followed(
    tracking: Tracking, runs: dict[str, str], place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid.mlflow.server._PAGE", 2)
    # The search of all finds two runs of one experiment, and others have to be searched by themselves.
    monkeypatch.setattr("bluegrid.mlflow.sources._RUNS_PER_EXPERIMENT", 1)
    found = place.result(tracking, "--experiments", "grid/*", "--dry-run")
    newest = {row["uid"]: row["run"] for row in found["added"]}
    assert newest.keys() == runs.keys()
    # Other tests have made runs of the last.
    assert [newest[f"grid/{name}"] == runs[f"grid/{name}"] for name in NAMES[:2]] == [True, True]


def test_models_of_the_version_that_no_name_matches_stay(
    tracking: Tracking, runs: dict[str, str], place: Workplace
) -> None:
    assert runs
    place.result(tracking, "--experiments", "grid/*")
    found = place.result(tracking, "--experiments", "grid/line-17")
    assert (found["version"], found["others"]) == (
        None,
        ["grid/feeder/OS Edam", "grid/江苏.东善桥/500kV.1号主变"],
    )


@pytest.mark.parametrize(
    ("flavour", "model_type"),
    [
        ("skops", "scikit-learn/skops"),
        ("pickle", "scikit-learn/pickle"),
        ("cloudpickle", "scikit-learn/pickle"),
        ("folder", "scikit-learn/pickle"),
        ("xgboost", "xgboost/ubj"),
        ("lightgbm", "lightgbm/txt"),
        ("onnx", "onnx/onnx"),
    ],
)
def test_a_flavour_goes_by_its_native_file_into_a_set_of_its_type(
    flavour: str, model_type: str, tracking: Tracking, place: Workplace
) -> None:
    place.add_set("g2", model_type)
    run = tracking.run(f"of {flavour}", models={"model": flavour}, seed=3)
    found = place.result(tracking, "--experiments", f"of {flavour}", set_id="g2")
    assert (found["models"], found["added"]) == (1, [{"uid": f"of {flavour}", "run": run}])


def test_what_a_set_cannot_hold_is_a_line_each_and_nothing_is_pushed(
    tracking: Tracking, place: Workplace
) -> None:
    wanted = {"a": "pyfunc", "b": "lightgbm-wrapper", "c": "skops", "d": "pickle"}
    runs = {name: tracking.run(f"odd/{name}", models={"model": each}) for name, each in wanted.items()}
    several = tracking.run("odd/e", models={"day": "pickle", "night": "pickle"})
    none = tracking.run("odd/f", models={})
    holds = "set g1 holds scikit-learn/pickle"
    lines = place.refusal(tracking, "--experiments", "odd/*")
    assert lines == [
        f"experiment odd/a run {runs['a']}: its flavour is python_function, and {holds}; only sklearn, "
        "xgboost, lightgbm and onnx are imported: log it as one of them (mlflow.onnx.log_model), or push "
        "its files: bluegrid push",
        f"experiment odd/b run {runs['b']}: its flavour is lightgbm, and {holds}; import it into a set "
        "of lightgbm",
        f"experiment odd/c run {runs['c']}: its flavour sklearn is in model.skops, of type "
        f"scikit-learn/skops, and {holds}; import it into a set of scikit-learn/skops, or log it with "
        "serialization_format='pickle'",
        f"experiment odd/e run {several}: has logged 2 models: day, night; name one: --artifact NAME",
        f"experiment odd/f run {none}: has logged no MLflow model; log one (mlflow.<flavour>.log_model), or "
        "push its files: bluegrid push",
        "5 of 6 models cannot be imported; nothing was pushed; to push the others: --skip-refused",
    ]
    assert place.opened().versions == ()
    place.add_set("g2", "lightgbm/txt")
    (line, _) = place.refusal(tracking, "--experiments", "odd/b", set_id="g2")
    assert re.search(
        r"its flavour lightgbm is in model\.\w+, which no set holds; log its Booster: "
        r"mlflow\.lightgbm\.log_model\(model\.booster_\)$",
        line,
    )
    done = place.imported(tracking, "--experiments", "odd/*", "--skip-refused")
    assert re.match(
        r"set g1 version v1: 1 model; 1 added, 0 changed, 0 unchanged; 5 refused; 1 sent", done.stdout
    )
    assert done.stderr.count("warning: experiment odd/") == 5
    assert [row.uid for row in place.newest().models] == ["odd/d"]
    again = place.imported(tracking, "--experiments", "odd/*", "--skip-refused")
    assert again.stdout.startswith(
        "set g1: nothing changed since v1; 1 unchanged; 5 refused, nothing was pushed"
    )
    assert again.stderr.count("warning: experiment odd/") == 5


def test_one_of_several_models_of_a_run_is_named(tracking: Tracking, place: Workplace) -> None:
    tracking.run("several", models={"day": "pickle", "night": "pickle"})
    found = place.result(tracking, "--experiments", "several", "--artifact", "night")
    assert found["models"] == 1
    tracking.run("several", models={"day": "pickle"})
    (line, _) = place.refusal(tracking, "--experiments", "several", "--artifact", "night")
    assert line.endswith("no model 'night', but: day; correct --artifact")


def test_runs_are_chosen_by_a_filter_of_mlflow(tracking: Tracking, place: Workplace) -> None:
    final = tracking.run("filtered", models={"model": "pickle"}, tags={"stage": "final"})
    tracking.run("filtered", models={"model": "pickle"}, tags={"stage": "trial"})
    found = place.result(tracking, "--experiments", "filtered", "--filter", "tags.stage = 'final'")
    assert found["added"] == [{"uid": "filtered", "run": final}]
    (line,) = place.refusal(tracking, "--experiments", "filtered", "--filter", "stage is final")
    assert "/runs/search: Invalid" in line


def test_the_version_with_an_alias_of_each_registered_model(tracking: Tracking, place: Workplace) -> None:
    first = tracking.run("trained", models={"model": "pickle"}, metrics={"mae": 0.5})
    tracking.register("line-1", first, "champion")
    tracking.register("line-2", first, "challenger")
    arguments = ("--registered", "line-*", "--alias", "champion")
    found = place.result(tracking, *arguments)
    assert (found["added"], found["without"]) == ([{"uid": "line-1", "run": first}], ["line-2"])
    (row,) = place.newest().models
    assert row.lineage is not None
    assert (row.lineage.tags, row.lineage.metrics) == ({"mlflow.version": "1"}, {"mae": 0.5})
    assert place.result(tracking, *arguments)["version"] is None
    second = tracking.run("trained", models={"model": "pickle"}, metrics={"mae": 0.25}, seed=5)
    tracking.register("line-1", second, "champion")
    assert place.result(tracking, *arguments)["changed"] == [{"uid": "line-1", "run": second}]


@pytest.fixture(scope="module")
def unproxied(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A server whose clients write artifacts into their store themselves."""
    folder = tmp_path_factory.mktemp("unproxied")
    root = "--no-serve-artifacts", "--default-artifact-root", folder / "artifacts"
    with served(programs, folder, *root) as found:
        yield found


@pytest.mark.parametrize("flavour", ["pickle", "folder"])
def test_models_in_a_store_behind_the_server_come_by_the_routes_of_its_page(
    flavour: str, unproxied: Tracking, place: Workplace
) -> None:
    unproxied.run(f"behind {flavour}", models={"model": flavour})
    assert place.result(unproxied, "--experiments", f"behind {flavour}")["models"] == 1


def test_a_refusal_is_one_line_with_its_remedy(tracking: Tracking, place: Workplace) -> None:
    assert place.refusal(tracking, "--experiments", "gird/*") == [
        "no experiment is named like 'gird/*'; the pattern has to match the whole name"
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (line,) = place.refusal(replace(tracking, url=closed), "--experiments", "*")
    assert line.startswith(f"{closed}/api/2.0/mlflow/experiments/search: does not answer: no connection: ")
    (line,) = place.refusal(replace(tracking, url="./mlruns"), "--experiments", "*")
    assert line.startswith("--tracking-uri ./mlruns: is not the address of a server; start one on that store")


class _Refusing(BaseHTTPRequestHandler):
    """A server that does not know the account."""

    def do_POST(self) -> None:
        """Answer any search."""
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Print nothing."""


def test_credentials_that_are_refused_are_told_with_the_variables_to_set(
    tracking: Tracking, place: Workplace
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        (line,) = place.refusal(replace(tracking, url=url), "--experiments", "*")
        server.shutdown()
        thread.join()
    assert line == (
        f"{url}/api/2.0/mlflow/experiments/search: refuses these credentials (status 401); set "
        "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to an account that "
        "may read it"
    )


def test_an_id_that_is_taken_is_refused_before_anything_is_downloaded(
    tracking: Tracking, runs: dict[str, str], place: Workplace
) -> None:
    assert runs
    place.result(tracking, "--experiments", "grid/line-17")
    lines = place.refusal(tracking, "--experiments", "grid/*", "--version", "v1")
    assert lines == ["set g1 has a version v1 already; choose another --version"]


def test_the_command_says_what_it_would_do_in_json(
    tracking: Tracking, runs: dict[str, str], place: Workplace
) -> None:
    done = place.imported(tracking, "--experiments", "grid/*", "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (found["set"], found["version"], found["unchanged"]) == ("g1", None, 0)
    assert [row["uid"] for row in found["added"]] == sorted(runs)
