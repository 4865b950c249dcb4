"""Models run in separate processes: a model that crashes, loops or fills memory costs only its process.

    client ── front (HTTP, one event loop) ──┬── worker ── models
                 │                           └── worker ── models
                 └── fork server: fetches, verifies and loads the version once, then forks the workers

The front imports no framework; it answers for linear models, which are data (`models/shared_linear.py`).
A worker is forked with the models in its memory, so that a new worker starts within milliseconds, and all
workers share the pages. Each request goes to one worker over a socket, on which several requests may wait. A
request whose step takes too long, or that ends its worker, gets an error; the worker's other requests go to
another worker.

Frameworks that do not outlive a fork (TensorFlow, Spark) are loaded in each worker instead.
"""
