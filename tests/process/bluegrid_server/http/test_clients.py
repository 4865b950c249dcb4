"""The official clients of the protocol work with a pod by their defaults: KServe's and Triton's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from onnx import TensorProto, helper

from bluegrid.image import environment, packages
from bluegrid_registry import ModelType
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.checkout import CHECKOUT
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS = {
    "total": ["FP32", [2], [6.5, 1.75]],
    "kind_out": ["BYTES", [2, 1], ["cable", "架空线"]],
    "half_out": ["FP16", [2, 2], pytest.approx([0.5, -2.0, 65504.0, 0.1], rel=1e-3)],
    "day": ["BOOL", [2, 1], [False, True]],
    "next_hour": ["INT64", [2, 1], [23, 24]],
}
"""What the model `mixed` answers to the inputs of both clients."""
GAPS = {"y": ["FP64", [2, 3], [1.0, None, -0.5, None, 2.0, 1e300]]}


def mixed() -> bytes:
    """A graph of several inputs and outputs, with a datatype each."""
    types = {
        "load": (TensorProto.FLOAT, 3),
        "hour": (TensorProto.INT64, 1),
        "kind": (TensorProto.STRING, 1),
        "half": (TensorProto.FLOAT16, 2),
        "night": (TensorProto.BOOL, 1),
    }
    nodes = [
        helper.make_node("ReduceSum", ["load", "last"], ["total"], keepdims=0),
        helper.make_node("Identity", ["kind"], ["kind_out"]),
        helper.make_node("Identity", ["half"], ["half_out"]),
        helper.make_node("Not", ["night"], ["day"]),
        helper.make_node("Add", ["hour", "one"], ["next_hour"]),
    ]
    outputs = [
        helper.make_tensor_value_info("total", TensorProto.FLOAT, [None]),
        helper.make_tensor_value_info("kind_out", TensorProto.STRING, [None, 1]),
        helper.make_tensor_value_info("half_out", TensorProto.FLOAT16, [None, 2]),
        helper.make_tensor_value_info("day", TensorProto.BOOL, [None, 1]),
        helper.make_tensor_value_info("next_hour", TensorProto.INT64, [None, 1]),
    ]
    inputs = [helper.make_tensor_value_info(name, kind, [None, size]) for name, (kind, size) in types.items()]
    constants = [
        helper.make_tensor("last", TensorProto.INT64, [1], [1]),
        helper.make_tensor("one", TensorProto.INT64, [], [1]),
    ]
    return model(helper.make_graph(nodes, "mixed", inputs, outputs, constants))


def gaps() -> bytes:
    """A graph that answers its input, rows of three numbers."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 3]) for name in ("x", "y"))
    return model(helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "gaps", [x], [y]))


def model(graph: Any) -> bytes:
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return data


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host, port and base path of a pod of the two models; one also has a path as its UID."""
    work = tmp_path_factory.mktemp("clients")
    (work / "models" / "grid").mkdir(parents=True)
    for uid, data in (("mixed", mixed()), ("gaps", gaps()), ("grid/line 1", gaps())):
        (work / "models" / f"{uid}.onnx").write_bytes(data)
    settings = published(work, work / "models", ModelType.parse("onnx/onnx"))
    with running(settings) as (_, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        yield f"127.0.0.1:{port}{BASE.removesuffix('/v2')}"


def answers(script: str, url: str) -> dict[str, Any]:
    """Return what a client's script prints; its packages are those of the lock file."""
    done = subprocess.run(
        [
            packages.uv(), "run", "--quiet", "--isolated", "--frozen",
            "--no-default-groups", "--only-group", "clients", "--project", CHECKOUT,
            "python", Path(__file__).with_name(script), url,
        ],
        env=environment.of_programs(),
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.served(
    "every framework",
    "KServe's `InferenceRESTClient`: JSON and binary tensors, strings, FP16, missing values",
)
def test_kserves_client_asks_in_json_and_in_binary(address: str) -> None:
    got = answers("kserve_client.py", f"http://{address}")
    assert (got["live"], got["ready"], got["model ready"]) == (True, True, True)
    for form in ("json", "binary"):
        assert got[form] == {"id": "42", "model": "mixed", "outputs": OUTPUTS}
    assert got["gaps"] == {"id": "42", "model": "gaps", "outputs": GAPS}
    assert got["large"]
    for name, status, message in (
        ("no such model", 404, "no model 'gap' in this version; nearest: gaps"),
        ("wrong shape", 400, "input 'x': expected shape [n, 3]"),
    ):
        assert got["refused"][name][0] == status
        assert got["refused"][name][1].startswith(message)


@pytest.fixture(scope="module")
def triton(address: str) -> dict[str, Any]:
    """What Triton's client gets."""
    return answers("triton_client.py", address)


@pytest.mark.served(
    "every framework",
    "`tritonclient.http` by its defaults: binary tensors, several inputs and outputs, strings, FP16, NaN, "
    "compression both ways",
)
def test_tritons_client_asks_by_its_defaults(triton: dict[str, Any]) -> None:
    assert triton["defaults"] == OUTPUTS
    assert triton["json"] == OUTPUTS
    assert triton["chosen"] == {name: OUTPUTS[name] for name in ("half_out", "kind_out")}
    assert triton["gaps"] == triton["gaps as json"] == GAPS
    assert triton["at once"] == [GAPS] * 3
    assert triton["compressed"] == [True] * 18


def test_tritons_client_reads_states_and_metadata(triton: dict[str, Any]) -> None:
    assert all(triton[name] for name in ("live", "ready", "model ready", "version ready", "a path ready"))
    assert triton["server"]["name"] == "line-loading-d1"
    metadata = triton["metadata"]
    assert [(each["name"], each["datatype"], each["shape"]) for each in metadata["inputs"]] == [
        ("load", "FP32", [-1, 3]),
        ("hour", "INT64", [-1, 1]),
        ("kind", "BYTES", [-1, 1]),
        ("half", "FP16", [-1, 2]),
        ("night", "BOOL", [-1, 1]),
    ]
    assert {each["name"]: each["state"] for each in triton["index"]} == {
        "mixed": "READY",
        "gaps": "READY",
        "grid/line 1": "READY",
    }


def test_the_clients_send_a_slash_of_a_uid_as_it_is(triton: dict[str, Any]) -> None:
    assert triton["a path"] == GAPS


@pytest.mark.not_served(
    "every framework",
    "Triton's extensions: classification (`class_count`), shared memory, sequences, statistics, `config`",
    "they are Triton's own; probabilities are an output on request, and the metrics are Prometheus'",
)
def test_tritons_client_gets_a_refusal_in_words(triton: dict[str, Any]) -> None:
    for name, status, message in (
        ("no such model", "404", "no model 'gap' in this version; nearest: gaps"),
        ("no such version", "404", "no version 'v9' here; this cluster serves v1"),
        ("wrong shape", "400", "input 'x': expected shape [n, 3] with n >= 1, got [1, 2]"),
        ("wrong datatype", "400", "input 'x': expected datatype FP64 or one that fits into it, got BYTES"),
        ("no such output", "400", "outputs: expected a list of 'y', each an object with a name"),
        ("classification", "400", "output 'y': classification is not supported"),
        ("no configuration", "404", "no model 'gaps/config' in this version"),
    ):
        assert triton["refused"][name][0] == status
        assert triton["refused"][name][1].startswith(message)


@pytest.mark.parametrize("rows", [1_000, 5_000], ids=["fast path", "application"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_large_answer_is_compressed_for_a_client_that_asks_for_it(
    address: str, rows: int, coding: str
) -> None:
    numbers = [float(number) for number in range(3 * rows)]
    request = {"inputs": [{"name": "x", "shape": [rows, 3], "datatype": "FP64", "data": numbers}]}
    with httpx.Client(base_url=f"http://{address}", headers={"Accept-Encoding": coding}) as client:
        for _ in range(2):
            response = client.post("/v2/models/gaps/infer", json=request)
            assert response.headers["Content-Encoding"] == coding
            assert response.headers["Bluegrid-Version"] == "v1"
            assert response.json()["outputs"][0]["data"] == numbers
            assert int(response.headers["Content-Length"]) < len(response.content) / 2
        plain = client.post("/v2/models/gaps/infer", json=request, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert plain.json() == response.json()
