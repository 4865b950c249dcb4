"""PMML documents of the tests, as R's `pmml`, KNIME and others write them."""

_HEAD = """<?xml version="1.0" encoding="{encoding}"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
<Header/>"""

REGRESSION = f"""{_HEAD.format(encoding="UTF-8")}
<DataDictionary>
  <DataField name="temperature" optype="continuous" dataType="double"/>
  <DataField name="hour" optype="continuous" dataType="integer"/>
  <DataField name="负荷" optype="continuous" dataType="double"/>
</DataDictionary>
<RegressionModel functionName="regression">
  <MiningSchema>
    <MiningField name="temperature" missingValueReplacement="10"/>
    <MiningField name="hour"/>
    <MiningField name="负荷" usageType="target"/>
  </MiningSchema>
  <LocalTransformations>
    <DerivedField name="squared" optype="continuous" dataType="double">
      <Apply function="*"><FieldRef field="temperature"/><FieldRef field="temperature"/></Apply>
    </DerivedField>
  </LocalTransformations>
  <RegressionTable intercept="100">
    <NumericPredictor name="temperature" coefficient="2"/>
    <NumericPredictor name="squared" coefficient="0.5"/>
    <NumericPredictor name="hour" coefficient="1"/>
  </RegressionTable>
</RegressionModel>
</PMML>"""
"""100 + 2 t + t²/2 + hour, with 10 for a temperature that is missing, and no result without an hour."""

_LEAF = '<ScoreDistribution value="fault" recordCount="{}"/><ScoreDistribution value="ok" recordCount="{}"/>'
_ARRAY = '<Array n="1" type="string">{}</Array>'
TREE = f"""{_HEAD.format(encoding="UTF-8")}
<DataDictionary>
  <DataField name="current" optype="continuous" dataType="double"/>
  <DataField name="kind" optype="categorical" dataType="string">
    <Value value="cable"/><Value value="架空线"/>
  </DataField>
  <DataField name="state" optype="categorical" dataType="string">
    <Value value="fault"/><Value value="ok"/>
  </DataField>
</DataDictionary>
<TreeModel functionName="classification" missingValueStrategy="defaultChild">
  <MiningSchema>
    <MiningField name="current"/><MiningField name="kind"/><MiningField name="state" usageType="target"/>
  </MiningSchema>
  <Node id="1" defaultChild="2"><True/>
    <Node id="2" score="ok">
      <SimplePredicate field="current" operator="lessThan" value="100"/>{_LEAF.format(1, 9)}
    </Node>
    <Node id="3" defaultChild="4"><SimplePredicate field="current" operator="greaterOrEqual" value="100"/>
      <Node id="4" score="fault">
        <SimpleSetPredicate field="kind" booleanOperator="isIn">{_ARRAY.format("cable")}</SimpleSetPredicate>
        {_LEAF.format(7, 3)}
      </Node>
      <Node id="5" score="ok">
        <SimpleSetPredicate field="kind" booleanOperator="isIn">{_ARRAY.format("架空线")}</SimpleSetPredicate>
        {_LEAF.format(4, 6)}
      </Node>
    </Node>
  </Node>
</TreeModel>
</PMML>"""
"""ok below 100 A; above, fault for a cable, ok for an overhead line."""

LOGISTIC = f"""{_HEAD.format(encoding="ISO-8859-1")}
<DataDictionary>
  <DataField name="größe" optype="continuous" dataType="double"/>
  <DataField name="night" optype="categorical" dataType="boolean"/>
  <DataField name="trips" optype="categorical" dataType="integer">
    <Value value="0"/><Value value="1"/>
  </DataField>
</DataDictionary>
<RegressionModel functionName="classification" normalizationMethod="logit">
  <MiningSchema>
    <MiningField name="größe"/><MiningField name="night"/><MiningField name="trips" usageType="target"/>
  </MiningSchema>
  <Output>
    <OutputField name="p" optype="continuous" dataType="double" feature="probability" value="1"/>
    <OutputField name="odds" optype="continuous" dataType="double" feature="transformedValue">
      <Apply function="/">
        <FieldRef field="p"/>
        <Apply function="-"><Constant>1</Constant><FieldRef field="p"/></Apply>
      </Apply>
    </OutputField>
  </Output>
  <RegressionTable intercept="0" targetCategory="1">
    <NumericPredictor name="größe" coefficient="1"/>
    <CategoricalPredictor name="night" value="true" coefficient="3"/>
  </RegressionTable>
  <RegressionTable intercept="0" targetCategory="0"/>
</RegressionModel>
</PMML>"""
"""Integer labels, a boolean column, outputs of its own, and another encoding than UTF-8."""
