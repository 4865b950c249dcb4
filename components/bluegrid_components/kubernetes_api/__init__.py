"""Requests from the program to the Kubernetes API, before and during an update of a stack."""
