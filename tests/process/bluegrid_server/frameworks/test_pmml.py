"""The second example of a plug-in, PMML: installed with its libraries, pushed and served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bluegrid_registry import FormatError, ModelType
from tests.process.bluegrid_server.frameworks.plugins import installed
from tests.process.bluegrid_server.frameworks.pmml_documents import LOGISTIC, REGRESSION, TREE
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from collections.abc import Iterator

CABLE, OVERHEAD = "cable", "架空线"


def tensor(name: str, data: list[Any], datatype: str = "FP64", columns: int = 1) -> dict[str, Any]:
    return {"name": name, "shape": [len(data) // columns, columns], "datatype": datatype, "data": data}


def answer(client: httpx.Client, uid: str, inputs: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    """Return the data of each output; of those that are not on request if none is named."""
    request: dict[str, Any] = {"inputs": inputs}
    if names:
        request["outputs"] = [{"name": name} for name in names]
    response = client.post(f"/models/{uid}/infer", json=request)
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


@pytest.fixture(scope="module")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed("pmml", tmp_path_factory.mktemp("plug-in")):
        yield


@pytest.fixture(scope="module")
def client(_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a pod of the three documents."""
    work = tmp_path_factory.mktemp("pmml")
    models = work / "models"
    models.mkdir()
    for uid, text, encoding in (
        ("regression", REGRESSION, "utf-8"),
        ("tree", TREE, "utf-8"),
        ("logistic", LOGISTIC, "latin-1"),
    ):
        (models / f"{uid}.pmml").write_bytes(text.encode(encoding))
    example = {"inputs": [[1.0, 5.0]], "outputs": [107.5]}
    (models / "examples.json").write_text(json.dumps({"regression": example}))
    settings = published(work, models, ModelType.parse("pmml/pmml"))
    with (
        running(settings.model_copy(update={"time_limit": 30})) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        yield client


@pytest.mark.served(
    "plug-ins", "PMML (example): numbers, words and booleans by column, derived fields, missing values"
)
def test_a_document_of_numbers_answers_rows_with_its_replacements_of_missing_values(
    client: httpx.Client,
) -> None:
    (spec,) = client.get("/models/regression").json()["inputs"]
    assert (spec["shape"], spec["parameters"]["columns"]) == ([-1, 2], ["temperature", "hour"])
    rows = tensor("x", [1.0, 5.0, None, 6.0, 1.0, None], columns=2)
    assert answer(client, "regression", [rows]) == {"y": [107.5, 176.0, None]}
    columns = [tensor("hour", [5], "INT64"), tensor("temperature", [1.0])]
    assert answer(client, "regression", columns) == {"y": [107.5]}


@pytest.mark.served(
    "plug-ins", "PMML (example): labels, and on request probabilities and a document's `Output`"
)
def test_a_document_of_words_answers_with_labels_and_on_request_with_probabilities(
    client: httpx.Client,
) -> None:
    metadata = client.get("/models/tree").json()
    assert [(each["name"], each["datatype"]) for each in metadata["inputs"]] == [
        ("current", "FP64"),
        ("kind", "BYTES"),
    ]
    (probability,) = [each for each in metadata["outputs"] if each["name"] == "probability"]
    assert probability["parameters"] == {"classes": ["fault", "ok"], "on_request": True}
    inputs = [
        tensor("current", [50.0, 150.0, 150.0, None]),
        tensor("kind", [CABLE, CABLE, OVERHEAD, CABLE], "BYTES"),
    ]
    assert answer(client, "tree", inputs) == {"y": ["ok", "fault", "ok", "ok"]}
    assert answer(client, "tree", inputs, "y", "probability", "node_id") == {
        "y": ["ok", "fault", "ok", "ok"],
        "probability": [0.1, 0.9, 0.7, 0.3, 0.4, 0.6, 0.1, 0.9],
        "node_id": ["2", "4", "5", "2"],
    }


def test_a_document_in_another_encoding_answers_with_its_integers_and_its_own_outputs(
    client: httpx.Client,
) -> None:
    inputs = [tensor("größe", [1.0, -1.0]), tensor("night", [True, False], "BOOL")]
    assert answer(client, "logistic", inputs) == {"y": [1, 0]}
    got = answer(client, "logistic", inputs, "p", "odds")
    assert got["p"] == pytest.approx([0.98201379, 0.26894142])
    assert got["odds"] == pytest.approx([54.59815003, 0.36787944])
    missing = [tensor("größe", [None]), tensor("night", [True], "BOOL")]
    refused = client.post("/models/logistic/infer", json={"inputs": missing})
    assert refused.status_code == 400
    assert refused.json()["error"].endswith("row 0 has no y: a value is missing or not valid")


@pytest.mark.usefixtures("_installed")
@pytest.mark.not_served(
    "plug-ins", "PMML (example): a document with a DTD", "no PMML document needs one; remove it"
)
def test_a_document_that_is_not_served_is_refused_at_the_push() -> None:
    kind = ModelType.parse("pmml/pmml")
    declaration, _, rest = REGRESSION.partition("?>")
    for data, fault in (
        (
            f'{declaration}?><!DOCTYPE PMML SYSTEM "pmml.dtd">{rest}',
            "has a document type definition, which no",
        ),
        ("<a/>", "is not a PMML document: it has the root element a, not PMML"),
        ("<PMML", "is not a PMML document: it is not XML: unclosed token"),
        (REGRESSION.replace('version="4.4"', 'version="5.0"'), "was written by pmml 5.0, and this release"),
    ):
        with pytest.raises(FormatError, match=f"^{fault}"):
            kind.check(data.encode())
