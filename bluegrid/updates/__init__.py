"""The update server: makes new versions by HTTP request and on a schedule, and switches live clusters.

A request becomes a job in a queue, and is answered at once; a runner processes the queue. Every step can be
repeated: wherever the server is killed, each job is completed exactly once.

    api         HTTP: a file a resource, tokens, sessions, errors; `page/` has the operator's page
    jobs        durable work in SQLite: queues of updates and of switches, audit log, marks of bad versions
    registry    where the registry is: a folder, or a clone that commits and pushes; edits of it
    publishing  from uploads or a trainer to a version in the store, and its row in the registry
    rollouts    from a version to a live cluster, compared and watched, or back
    runners     work the queues off, and queue what is scheduled

    request ─► uploads (bytes, by digest) ─► UpdateQueue ─► UpdateRunner ─► publishing ─► rollouts
                                             SwitchQueue ─► SwitchRunner ─► promotion of a cluster
"""
