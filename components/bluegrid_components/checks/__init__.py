"""Checks before anything is registered, against the registry, Kubernetes and the last update.

declared             refuses a folder without registry files
live_services        refuses to delete a live service, unless allowed by name
taken_urls           refuses a URL that another stack holds
applied_commit       refuses a checkout older than the last applied commit
credentials          names the Secret of the store's account: new credentials get a new name
platform_of_another  refuses another stack's platform if it is not as this stack needs it
stack_outputs        reads and writes the outputs of the last update
"""
