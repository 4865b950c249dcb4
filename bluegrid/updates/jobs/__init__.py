"""Durable jobs in SQLite: queues of updates and switches, their worker, and the audit log."""
