#!/bin/sh
# `mlflow server` of MLflow 3.17.2, as it is by default, answers requests on a connection that is kept 40 ms late; with `--workers 1`
# it does not.
#
# Valid input: GET of an experiment, 40 times over one connection on loopback, as Python's clients of MLflow keep it. By default there are
# four workers. uvicorn 0.54.0 then makes the socket that they share without naming its protocol, for which asyncio leaves TCP_NODELAY out:
# a body waits until the client's kernel has acknowledged the headers (https://github.com/Kludex/uvicorn/issues/3149, open). Seen on
# 2026-11-30 with Python 3.11 and Linux 6.18, medians:
#     four workers   60 ms
#     --workers 1    20 ms
# OpenSTEF's storage makes several requests for each model: loading 1,000 models waits for minutes.
#
# Installs the pinned packages into a temporary folder, needs uv, a package index and Python 3.11 or later (PYTHON names it), and ends
# with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
uv venv --quiet --python "${PYTHON:-3.11}" venv
uv pip install --quiet --python venv mlflow==3.17.2 uvicorn==0.54.0
cat > median.py <<'PYTHON'
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
command = ["venv/bin/mlflow", "server", "--port", str(port), "--backend-store-uri", "sqlite:///mlflow.db", *sys.argv[1:]]
environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
with open("log", "w") as log:
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
try:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            break
        except OSError:
            time.sleep(0.2)
    taken = []
    for _ in range(50):
        started = time.perf_counter()
        connection.request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        taken.append(time.perf_counter() - started)
    print(f"{1000 * statistics.median(taken[10:]):.0f}")
finally:
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()
PYTHON
by_default=$(venv/bin/python median.py)
one_worker=$(venv/bin/python median.py --workers 1)
echo "four workers: $by_default ms; one worker: $one_worker ms"
[ $((by_default - one_worker)) -ge 30 ]
