"""scikit-learn: loaders and compiler.

load_skops.py, load_pickle.py      from a file to an estimator; release.py: files of other releases
estimator.py                       a fitted estimator as a model
inputs.py, columns.py, tables.py   from tensors to what the estimator takes
answers.py                         from the estimator's methods to outputs
linear.py, compiler.py             shorter ways to the same answers
parts.py                           the parts of which estimators are made
"""
