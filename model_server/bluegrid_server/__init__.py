"""What runs in a pod: fetches one version of a model set, verifies it, loads it, and answers for it by HTTP.

    __main__.py     `python -m bluegrid_server [serve|preflight]`
    settings.py     what the pod is told by its environment
    startup.py      fetch + verify, load, recorded examples
    loaders/        one module a framework
    tensors.py      tensors of the Open Inference Protocol to and from NumPy
    inference.py    one request, many requests
    linear.py       linear models without their framework; linear_table.py: in memory that processes share
    http/           the HTTP API
    workers/        the processes that have the models
    serve.py        the server's life: its processes
    front.py        the process that speaks HTTP, from the first probe to SIGTERM
    failure.py      how the pod says why it gave up

It takes no updates: a new version is a new cluster, or a rolling update of the same one.
"""
