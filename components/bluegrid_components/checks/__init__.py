"""Refusals before anything is registered, by the registry, Kubernetes and the last update.

declared        no folder without files is taken for an empty registry
live_services   no live service is deleted unless that is allowed
taken_urls      no URL of another stack is taken
applied_commit  an older checkout does not undo what a newer one has applied
credentials     which Secret has the store's account: others get a name of their own
stack_outputs   what the last update left
"""
