"""Requests between the shards of a cluster: each pod answers for all models, and holds those of its shard.

    client ─► any pod ─► its own models
                 └─────► a pod of the shard that has the model, which answers by itself (`Bluegrid-Shard`)

A request takes at most one hop: a pod never forwards a request that has this header.
"""
