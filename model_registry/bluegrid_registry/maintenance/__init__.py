"""Maintenance of a store: comparing, verifying, healing, exporting and collecting garbage."""
