#!/bin/sh
# ONNX Runtime 1.32.0 refuses a text model of skl2onnx 1.20.0 on a machine without the locale en_US.UTF-8.
#
# Valid input: a TfidfVectorizer and a LogisticRegression, exported by `to_onnx`; the graph names no locale, and most container
# images have none but C and C.UTF-8. Seen on 2026-11-29 with scikit-learn 1.9.1, onnx 1.23.2, Python 3.11, glibc 2.36:
#     without locales: the session is refused: Failed to construct locale with name:en_US.UTF-8
#     with the attribute locale="C.UTF-8" of StringNormalizer: it answers
# ONNX Runtime's default on Linux is en_US.UTF-8.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
mkdir "$folder/no-locales"
# glibc looks for locales below LOCPATH alone; C.UTF-8 is within glibc.
found=$(LOCPATH="$folder/no-locales" "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

texts, kinds = ["breaker open", "line fault", "breaker closed", "earth fault"], [0, 1, 0, 1]
model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, kinds)
graph = to_onnx(model, initial_types=[("x", StringTensorType([None, 1]))])


def answered():
    try:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:
        return f"refused: {'en_US.UTF-8' in str(error)}"
    return f"answers {session.run(None, {'x': np.array([['line fault']])})[0].tolist()}"


print("as exported:", answered())
for node in graph.graph.node:
    if node.op_type == "StringNormalizer":
        node.attribute.add(name="locale", type=3, s=b"C.UTF-8")
print("with a locale:", answered())
PYTHON
)
echo "$found"
expected="as exported: refused: True
with a locale: answers [1]"
[ "$found" = "$expected" ] || { echo "the finding is out of date"; exit 1; }
