#!/bin/sh
# skops 0.16.0 writes a linear model with sparse coefficients, and cannot read what it has written.
#
# Valid input: SGDRegressor of scikit-learn 1.9.1 after its own `sparsify()`, which predicts. Seen on 2026-11-28 with
# Python 3.11: `loads` of the output of `dumps` raises
#     ValueError: shape must have length in (2,). Got new_shape=(3,)
# The coefficients are a csr_matrix of one dimension, which the reader handles as one of two.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skops==0.16.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import skops.io
from sklearn.linear_model import SGDRegressor

rows = np.random.default_rng(0).normal(size=(40, 3))
model = SGDRegressor(random_state=0).fit(rows, rows[:, 0]).sparsify()
print("predicts", model.predict(rows[:1]), "with", type(model.coef_).__name__, model.coef_.shape)
written = skops.io.dumps(model)
try:
    skops.io.loads(written, trusted=skops.io.get_untrusted_types(data=written))
except ValueError as error:
    print("does not load:", error)
    sys.exit("shape must have length in (2,)" not in str(error))
sys.exit("loads: the finding is out of date")
PYTHON
