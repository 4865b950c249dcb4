"""Files of scikit-learn read as data: numbers and names, checked, without scikit-learn.

read_skops.py        a skops file to a model; zip_members.py, npy.py: its members and arrays
skops_nodes.py       the schema of a skops file to described objects
read_pickle.py       a pickle of joblib or Python to a model
pickle_opcodes.py    a pickle to described objects; pickle_data.py, pickle_numpy.py: its bytes and arrays
described.py         an object as a file describes it: its class and its attributes
pipeline.py          described pipelines
recipes.py           described objects to a model: linear.py, trees.py

A reader knows exact classes and attributes and refuses everything else, so that the framework loads it. What
a reader accepts, the framework would answer alike: a preflight proves this for each model (ADR 48).
"""
