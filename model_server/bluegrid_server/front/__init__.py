"""The process that serves HTTP: sockets and signals, the dispatcher, the supervisor of the workers."""
