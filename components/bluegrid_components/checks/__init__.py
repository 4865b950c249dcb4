"""What is refused before anything is registered, by what the registry, Kubernetes and the last update say.

declared        no folder without files is taken for an empty registry
live_services   no live service goes unless somebody has said so
taken_urls      no URL of another stack is taken
applied_commit  an older checkout does not undo what a newer one has applied
credentials     which Secret has the store's account: others get a name of their own
stack_outputs   what the last update left
"""
