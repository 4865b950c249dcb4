"""The model server of a pod: it fetches, verifies and loads one version of a model set, and answers requests.

    __main__.py     `python -m bluegrid_server [serve|preflight]`
    settings.py     settings, from the pod's environment variables
    serve.py        starts the server's processes; preflight.py: proves a version, once, as a Job
    imports.py      imports every module that a pod may need, in the build of an image
    termination.py  exit code and termination message of a pod that gives up

    protocol/       the Open Inference Protocol as data: requests, responses, tensors, OpenAPI
    frameworks/     a folder for each framework: how its models are loaded and compiled
    models/         one version: fetched, verified, loaded, proven by recorded examples
    engine/         from a request to its response, the same in front and workers
    ipc/            messages between the processes
    shards/         requests between the shards of a cluster
    processes/      the processes that hold the models: fork server and workers
    front/          the process that serves HTTP, from the first probe to SIGTERM
    http/           the HTTP API: routes, fast path, request IDs, metrics

The server does not update itself: a new version is a new cluster, or a rolling update of the same one.
"""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> object:
    """Read the version of the installed distribution, only when it is used: reading takes milliseconds."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("bluegrid-server")
