"""Threads that work the queues off, and that queue what is scheduled."""
