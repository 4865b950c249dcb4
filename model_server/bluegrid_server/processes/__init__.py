"""Models run in processes of their own: one that crashes, loops or eats memory costs that process only.

    client ── front (HTTP, one event loop) ──┬── worker ── models
                 │                           └── worker ── models
                 └── fork server: has the version fetched, verified and loaded once, then forks the workers

The front imports no framework; it answers for linear models, which are data (`models/shared_linear.py`).
A worker is forked with the models in its memory, so that the next one is there within milliseconds, and all
of them share the pages. Each request goes to one worker over a socket, several ahead; a request whose step
takes too long, or that the worker dies of, is answered with that, and the worker's other requests go to the
next one.

Frameworks that do not outlive a fork (TensorFlow, Spark) are loaded in each worker instead.
"""
