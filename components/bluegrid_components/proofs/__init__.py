"""What stands between an update and the requests under way: each proof, or refusal, is a hook of resources.

hooks           before a route is written its cluster answers, after it the proxy follows
gate            20 answers in a row through the proxy
takeover        an autoscaled cluster has the pods for the requests that it gets
drain           a cluster that is deleted is asked no more
deletion_guard  where the proxy is out of reach: what was live keeps its pods
others          where one service fails: what the others wait for
reasons         why Kubernetes does not start what it was given
safeguards      all of these; one in a program
"""
