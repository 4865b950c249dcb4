"""`bluegrid predict`: the request that it makes of its arguments, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid.operations import Prediction, ServiceUrl
from bluegrid.operations.predictions import prediction_of

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

URL = "http://127.0.0.1:12345/modelService/lines"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Requests in place of a server's: URL, UID, and rows or request."""
    requests: list[Any] = []

    def answer(self: ServiceUrl, model: str, request: Any, *, outputs: Any = None) -> Prediction:
        requests.append((self.url, model, request) if outputs is None else (model, request, outputs))
        return Prediction("local", "v1", "", 0.01, [0.5], None)

    monkeypatch.setattr(ServiceUrl, "predict", answer)
    monkeypatch.setattr(ServiceUrl, "infer", answer)
    return requests


def predict(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(
        app, ["predict", *arguments], input=stdin, env={"COLUMNS": "300", "TERM": "dumb"}
    )


def test_values_are_one_row_of_numbers_missing_values_and_strings(asked: list[Any]) -> None:
    done = predict("feeder/7", "--url", f"{URL}/", "1.0", "-2", "-1e-3", "null", "NaN", "overhead line")
    assert done.stdout == "[0.5]  (local, version v1, 10 ms)\n"
    assert asked == [(URL, "feeder/7", [[1.0, -2, -1e-3, None, "NaN", "overhead line"]])]


def test_outputs_beside_rows_are_requested(asked: list[Any]) -> None:
    document = {"instances": [[1.0]], "outputs": ["probability"]}
    assert predict("line-1", "--url", URL, "--instances", json.dumps(document)).exit_code == 0
    assert asked == [("line-1", [[1.0]], ["probability"])]


def test_words_are_printed_as_they_are_on_one_line() -> None:
    answer = Prediction("local", "v1", "", 0.01, {"kind": ["电缆", "a\nb\u2028\u202ec"]}, None)
    assert answer.text == '{"kind": ["电缆", "a\\nb\\u2028\\u202ec"]}'


@pytest.mark.parametrize(
    "document",
    [
        {"predictions": [0.5], "fallback": "flatliner"},
        {"responses": [{"parameters": {"fallback": "flatliner"}, "outputs": [{"name": "y", "data": [0.5]}]}]},
    ],
    ids=["rows", "tensors"],
)
def test_the_fallback_model_that_gave_an_answer_is_named(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = prediction_of(
        json.dumps(document).encode(), 200, cluster="d1", version="v1", pod="", seconds=0.01
    )
    monkeypatch.setattr(ServiceUrl, "predict", lambda *_, **__: answer)
    done = predict("feeder/7", "--url", URL, "1.0")
    assert done.stdout.endswith("  (d1, version v1, fallback flatliner, 10 ms)\n")
    assert json.loads(predict("feeder/7", "--url", URL, "1.0", "--json").stdout)["fallback"] == "flatliner"


INPUTS = [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]


@pytest.mark.parametrize(
    ("document", "request_sent"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        ({"instances": [{"mw": 1.0}]}, [{"mw": 1.0}]),
        ({"inputs": INPUTS}, {"inputs": INPUTS}),
    ],
    ids=["rows", "instances", "inputs"],
)
@pytest.mark.parametrize("place", ["file", "standard input", "option"])
def test_a_document_is_read_from_a_file_standard_input_or_an_option(
    asked: list[Any], tmp_path: Path, document: Any, request_sent: Any, place: str
) -> None:
    text = json.dumps(document)
    (tmp_path / "rows.json").write_text(text)
    where = {
        "file": ["--data", str(tmp_path / "rows.json")],
        "standard input": ["--data", "-"],
        "option": ["--instances", text],
    }
    assert predict("line-1", "--url", URL, *where[place], stdin=text).exit_code == 0
    assert asked == [(URL, "line-1", request_sent)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["line-1", "--url", URL], "give the features once"),
        (["line-1", "--url", URL, "1.0", "--instances", "[[1.0]]"], "give the features once"),
        (["line-1", "--url", URL, "--instances", "{}"], "expected rows such as"),
        (["line-1", "--url", URL, "--instances", "1,2"], "is not JSON"),
        (["line-1", "--url", URL, "--data", "nowhere.json"], "--data nowhere.json: cannot be read"),
        (
            ["line-1", "--url", "http://127.0.0.1:12345", "1.0"],
            "is not the URL of a service; expected one such as",
        ),
        (["line-1", "--url", "127.0.0.1/modelService/x", "1.0"], "is not the URL of a service"),
        (["lines", "--url", URL, "--model", "line-1", "1.0"], "the first argument is the model's UID"),
        (["lines", "--model", "line-1", "1.0"], "or name it with --context"),
        (["lines", "--context", "north", "1.0"], "--model"),
        (
            ["line-1", "--url", "http://127.0.0.1:1/modelService/x", "1.0"],
            "no connection: Connection refused",
        ),
    ],
    ids=[
        "no features",
        "features twice",
        "no rows",
        "no JSON",
        "no file",
        "no service in the URL",
        "no scheme",
        "URL and model",
        "no context",
        "no model",
        "nothing there",
    ],
)
def test_what_is_no_request_is_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No project, whose only stack would be the default.
    monkeypatch.chdir(tmp_path)
    done = predict(*arguments)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
