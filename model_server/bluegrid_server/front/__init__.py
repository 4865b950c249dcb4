"""The process that speaks HTTP: sockets and signals, the dispatcher, the supervisor of the workers."""
