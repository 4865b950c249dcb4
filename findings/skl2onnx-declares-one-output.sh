#!/bin/sh
# skl2onnx 1.20.0 declares the output of a forest of several targets as [None, 1], whatever their number.
#
# Valid input: a RandomForestRegressor of 96 targets (a day of quarter-hours), exported by `to_onnx`. Seen on 2026-11-29 with
# scikit-learn 1.9.1, onnx 1.23.2, ONNX Runtime 1.32.0, Python 3.11:
#     declared [None, 1], answered (2, 96)
# The answer is right, and the session warns at each new size. A linear regression of 96 targets is declared as
# [None, 96]. Who takes shapes from the graph (metadata, a client that allocates buffers) gets a wrong one.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
found=$("$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

random = np.random.default_rng(0)
x, y = random.normal(size=(200, 4)).astype(np.float32), random.normal(size=(200, 96))
for model in (RandomForestRegressor(n_estimators=2, random_state=0), LinearRegression()):
    graph = to_onnx(model.fit(x, y), x[:1]).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    answer = session.run(None, {"X": x[:2]})[0]
    print(f"{type(model).__name__}: declared {session.get_outputs()[0].shape}, answered {answer.shape}")
PYTHON
)
echo "$found"
expected="RandomForestRegressor: declared [None, 1], answered (2, 96)
LinearRegression: declared [None, 96], answered (2, 96)"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
