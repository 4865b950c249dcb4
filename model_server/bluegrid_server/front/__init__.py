"""The process that speaks HTTP: its sockets and signals, the dispatcher, and its connections to workers."""
