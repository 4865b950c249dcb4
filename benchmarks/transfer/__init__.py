"""`make bench-transfer`: push and fetch beside the tools that people use today, in one run.

plan.py       what is measured: sizes, counts, round trips
payload.py    the models
server.py     a real S3 server on loopback; delay.py: a longer round trip to it
clients.py    the peers; ours.py: bluegrid, called as its users call it
cells.py      times every tool in turn, then checks that both sides have the same bytes
update.py     one changed model
growth.py     time and memory up to 100,000 models
verdicts.py   rows from raw samples, goals from ../goals.yaml
report.py     the page in docs, from the rows alone; plots.py
"""
