"""`make bench-server`: the model server beside MLServer, KServe's Python server and a bare loop, in one run.

plan.py       what is measured: models, connections, rounds
models.py     the models, as files for each server; the requests
peers/        pinned packages of each peer, and a program if the peer has none
servers.py    starts a server on a separate core, and reads its memory
client.py     sends the next request as soon as the previous one is answered
measure.py    all servers in turn
verdicts.py   rows from raw samples, goals from ../goals.yaml
report.py     the page in docs, from the rows alone
"""
