"""Communication between the processes of a pod: messages, frames, shared status."""
