#!/bin/sh
# PMML4S (pypmml 1.5.8) predicts -9223372036854775808 where a classifier of integer labels has no result.
#
# Valid input: a logistic regression in PMML 4.4 with the labels 0 and 1 as `integer`, asked for a row whose only feature is
# missing and has no replacement: by PMML the result is a missing value. Seen on 2026-11-29 with Python 3.11 and Java 17:
# the probabilities are NaN and labels of type `string` are None, as they should be; an integer is the smallest of 64 bits,
# which looks like a label. Whoever reads the answer has to compare with it.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11, a Java and a package index, and ends with 1 once
# the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pypmml==1.5.8 jpype1==1.7.1 py4j==0.10.9.9
cat > "$folder/predict.py" <<'PYTHON'
from pypmml import Model, PMMLContext

DOCUMENT = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary>
  <DataField name="load" optype="continuous" dataType="double"/>
  <DataField name="trip" optype="categorical" dataType="{type}"><Value value="0"/><Value value="1"/></DataField>
</DataDictionary>
<RegressionModel functionName="classification" normalizationMethod="logit">
  <MiningSchema><MiningField name="load"/><MiningField name="trip" usageType="target"/></MiningSchema>
  <RegressionTable intercept="0" targetCategory="1"><NumericPredictor name="load" coefficient="1"/></RegressionTable>
  <RegressionTable intercept="0" targetCategory="0"/>
</RegressionModel></PMML>"""
PMMLContext.getOrCreate(gateway="jpype")
for kind in ("string", "integer"):
    answer = Model.fromString(DOCUMENT.format(type=kind)).predict({"load": None})
    print(kind, answer.get("predicted_trip"), answer.get("probability_1"))
PYTHON
found=$("$folder/venv/bin/python" "$folder/predict.py")
echo "$found"
expected="string None nan
integer -9223372036854775808 nan"
[ "$found" = "$expected" ] || { echo "the answer is another one: the finding is out of date"; exit 1; }
