"""Edits of a registry, by what they change: sets, versions, services and clusters, and what is live."""
