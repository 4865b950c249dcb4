"""Durable work in SQLite: queues of updates and switches, the audit log, and who works the queues off."""
