"""`make bench-openstef`: OpenSTEF with its own MLflow storage, and with ours in its place, in one run.

plan.py       what is measured: targets, kinds of pipelines, rounds
places.py     where models are at rest: an MLflow server and an S3 server on loopback, or folders
worker.py     a process with OpenSTEF; inside/ is what it runs
pods.py       starts the server of the pods, reads its memory
measure.py    both sides in turn
verdicts.py   rows from raw samples, goals from ../goals.yaml
report.py     the page in docs, from the rows alone
"""
