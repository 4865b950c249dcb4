"""Spark: loader of pipelines.

load.py         from a folder to a model
session.py      the session of this process, its JVM, and errors of Java
stages.py       the stages of a pipeline: columns that each reads and makes, and which the outputs need
columns.py      the input columns of a pipeline, and the tensors of a request that hold them
statement.py    the columns that the SQL of a SQLTransformer reads
outputs.py      the columns that are answered, and their names
tables.py       rows between Python and the JVM
local.py        evaluates a pipeline without a Spark job
model.py        a pipeline as a model
"""
