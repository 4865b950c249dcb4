"""Edits of a registry: of sets, of versions, of services and clusters, and of the live clusters."""
