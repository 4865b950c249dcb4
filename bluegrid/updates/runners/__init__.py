"""Threads that process the queues, and queue scheduled updates."""
