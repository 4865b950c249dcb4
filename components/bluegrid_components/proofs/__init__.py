"""Protects requests under way from an update: each proof or refusal is a hook of resources.

hooks           proofs that a cluster answers before a route is written, and that the proxy follows after it
gate            20 answers in a row through the proxy
takeover        an autoscaled cluster has enough pods for the requests that it will get
drain           a cluster gets no more requests before it is deleted
deletion_guard  if the proxy cannot be reached, the cluster that was live keeps its pods
after_failures  if one service fails, the other services are finished first
reasons         why Kubernetes does not start an object
safeguards      all of the above; one instance in a program
neighbours      what stacks of one namespace share stays, and so does what one of them has
"""
