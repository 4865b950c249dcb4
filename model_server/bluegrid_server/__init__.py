"""What runs in a pod: fetches, verifies and loads one version of a model set, and answers requests for it.

    __main__.py     `python -m bluegrid_server [serve|preflight]`
    settings.py     what is set by the pod's environment
    serve.py        the server's life: its processes; preflight.py: proves a version, once, as a Job
    imports.py      all that a pod imports, for the build of an image
    termination.py  how the pod says why it gave up

    protocol/       the Open Inference Protocol as data: requests, responses, tensors, OpenAPI
    frameworks/     all that is known of each framework: how its models are loaded, and compiled
    models/         one version: fetched, verified, loaded, proven by recorded examples
    engine/         from a request to its response, in whichever process the models are
    ipc/            what crosses between processes
    processes/      the processes that have the models: fork server and workers
    front/          the process that speaks HTTP, from the first probe to SIGTERM
    http/           the HTTP API: routes, fast path, request IDs, metrics

The server does not update itself: a new version is a new cluster, or a rolling update of the same one.
"""
