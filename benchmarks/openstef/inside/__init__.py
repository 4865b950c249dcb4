"""What runs in the environment with OpenSTEF: `python -m benchmarks.openstef.inside` answers lines of JSON.

pipelines.py   trains pipelines, and gives each many names
storages.py    OpenSTEF's own callback with its MLflow storage, and with bluegrid's
cost.py        what a forecast costs, and where
"""
