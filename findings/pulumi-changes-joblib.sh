#!/bin/sh
# Imported after pulumi, joblib writes scikit-learn models that only a machine with dill can read.
#
# Valid input: a pipeline whose columns are named by a slice. Pulumi's SDK for Python imports dill for its dynamic
# providers, whether or not a program has one. dill, once imported, registers its own functions with the pickler that
# the standard library has in Python; joblib copies these functions when it is imported. Seen on 2026-11-28 with
# Python 3.11, pulumi 3.272.0, dill 0.4.1, joblib 1.6.0: the file names `dill._dill _load_type`, and without dill
# joblib.load ends with "ModuleNotFoundError: No module named 'dill'". `pickle.dumps` is C, and stays as it is.
# Imported the other way round, or with `dill.extend(False)` in between, nothing of dill is in the file.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/writer"
python3 -m venv "$folder/reader"
"$folder/writer/bin/pip" install --quiet pulumi==3.272.0 dill==0.4.1 joblib==1.6.0 scikit-learn==1.9.1 numpy==2.4.6
"$folder/reader/bin/pip" install --quiet joblib==1.6.0 scikit-learn==1.9.1 numpy==2.4.6
cat > "$folder/write.py" <<'PYTHON'
import sys

if sys.argv[2] == "after":
    import pulumi
import joblib
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import StandardScaler

model = ColumnTransformer([("first two", StandardScaler(), slice(0, 2))]).fit([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0]])
joblib.dump(model, sys.argv[1])
PYTHON
for import in without after; do
    "$folder/writer/bin/python" "$folder/write.py" "$folder/$import.joblib" $import
    read=$("$folder/reader/bin/python" -c "import joblib; joblib.load('$folder/$import.joblib'); print('is read')" 2>&1 |
        tail -n 1)
    echo "imported $import pulumi: $read"
done
[ "$read" = "ModuleNotFoundError: No module named 'dill'" ] || { echo "the finding is out of date"; exit 1; }
